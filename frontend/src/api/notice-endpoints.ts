import type { Id, Instant } from '@/domain/model';
import { request } from './client';

/** What a person was told. */
export interface Notice {
  readonly id: Id;
  readonly kind:
    | 'stat'
    | 'assigned'
    | 'mention'
    | 'critical'
    | 'flood'
    | 'sent_back'
    | 'test';
  readonly title: string;
  readonly site: string;
  readonly item_id: Id | null;
  /** How many studies it is about. */
  readonly n: number;
  readonly at: Instant;
  readonly read_at: Instant | null;
  /** Whose study it is; null where this person may not see it (any more). */
  readonly about: {
    readonly patient: string;
    readonly study: string;
    readonly state: string;
    readonly band: string;
  } | null;
}

export interface NoticePage {
  readonly items: readonly Notice[];
  readonly unread: number;
  readonly next_cursor: string | null;
}

export interface NoticeSettings {
  readonly kinds: readonly {
    readonly kind: string;
    readonly title: string;
    readonly channels: Readonly<Record<string, boolean>>;
  }[];
  readonly email: { readonly address: string; readonly is_on: boolean };
  readonly webhook: {
    readonly url: string;
    readonly created_at: Instant;
    readonly failed_since: Instant | null;
    readonly problem: string;
  } | null;
}

const ROOT = 'notifications';

export async function readNotices(unread: boolean, cursor = ''): Promise<NoticePage> {
  const search = new URLSearchParams();
  if (unread) search.set('unread', '1');
  if (cursor) search.set('cursor', cursor);
  return (await request<NoticePage>(`${ROOT}?${search}`)).data;
}

export async function countUnread(): Promise<number> {
  return (await request<{ unread: number }>(`${ROOT}/unread`)).data.unread;
}

/** Marks notices as read, or all of them; answers how many are left. */
export async function markRead(ids: readonly Id[] | null): Promise<number> {
  const answer = await request<{ unread: number }>(`${ROOT}/read`, {
    method: 'POST',
    body: { ids },
  });
  return answer.data.unread;
}

export async function readNoticeSettings(): Promise<NoticeSettings> {
  return (await request<NoticeSettings>(`${ROOT}/settings`)).data;
}

export async function chooseChannel(
  kind: string,
  channel: string,
  wanted: boolean,
): Promise<NoticeSettings> {
  const body = { choices: { [kind]: { [channel]: wanted } } };
  const path = `${ROOT}/settings`;
  return (await request<NoticeSettings>(path, { method: 'PUT', body })).data;
}

/** Sets where messages are posted to; the secret is in this answer only. */
export async function setWebhook(url: string): Promise<string> {
  const options = { method: 'PUT', body: { url } } as const;
  return (await request<{ secret: string }>(`${ROOT}/webhook`, options)).data.secret;
}

export async function removeWebhook(): Promise<void> {
  await request(`${ROOT}/webhook`, { method: 'DELETE' });
}

export async function sendTest(channel: 'email' | 'webhook'): Promise<void> {
  await request(`${ROOT}/test`, { method: 'POST', body: { channel } });
}
