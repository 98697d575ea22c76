import type {
  Ai,
  Band,
  CommitAnswer,
  Content,
  Id,
  Lease,
  LeaseAnswer,
  Manifest,
  Reading,
  Row,
  Session,
  SignAnswer,
  Vocabulary,
  Why,
  WorklistPage,
} from '@/domain/model';
import type {
  AdminUser,
  AeTitle,
  AuditPage,
  AuditQuery,
  AuditSeals,
  ExportRow,
  Health,
  Quarantined,
} from './admin-types';
import { request, setCsrfToken } from './client';
import type { ToldBySource } from './critical-endpoints';

/** Every call that the browser makes, one function each. */

async function keepToken(answer: Promise<{ data: Session }>): Promise<Session> {
  const { data } = await answer;
  setCsrfToken(data.csrf_token);
  return data;
}

export function readSession(): Promise<Session> {
  return keepToken(request<Session>('session'));
}

export function login(username: string, password: string): Promise<Session> {
  return keepToken(
    request<Session>('session', { method: 'POST', body: { username, password } }),
  );
}

export async function logout(): Promise<void> {
  await request('session', { method: 'DELETE' });
}

export async function readWorklist(
  query: URLSearchParams,
  signal?: AbortSignal,
): Promise<WorklistPage> {
  const text = query.toString();
  const path = text === '' ? 'worklist' : `worklist?${text}`;
  return (await request<WorklistPage>(path, signal ? { signal } : {})).data;
}

export async function readItem(id: Id): Promise<Row> {
  return (await request<Row>(`worklist/items/${id}`)).data;
}

export async function readWhy(id: Id): Promise<Why> {
  return (await request<Why>(`worklist/items/${id}/why`)).data;
}

export async function leaseItem(id: Id): Promise<LeaseAnswer> {
  return (await request<LeaseAnswer>(`worklist/items/${id}/lease`, { method: 'POST' }))
    .data;
}

export async function renewLease(id: Id): Promise<Lease> {
  const path = `worklist/items/${id}/lease`;
  return (await request<{ lease: Lease }>(path, { method: 'PUT' })).data.lease;
}

/** Gives an item back, unless it was taken again since: this may be said late. */
export async function releaseLease(id: Id, { number }: Lease): Promise<void> {
  const path = `worklist/items/${id}/lease?number=${number}`;
  await request(path, { method: 'DELETE', keepalive: true });
}

/** The next item to read, leased; null when nothing is free. */
export async function takeNext(site: Id | null): Promise<LeaseAnswer | null> {
  const body = site === null ? {} : { site: [site] };
  const answer = await request<LeaseAnswer | undefined>('worklist/take-next', {
    method: 'POST',
    body,
  });
  return answer.data ?? null;
}

export async function changeBand(
  id: Id,
  change: { band: Band; reason_code: string; reason_text: string },
): Promise<Row> {
  const path = `worklist/items/${id}/band`;
  return (await request<Row>(path, { method: 'POST', body: change })).data;
}

export async function switchAiOrdering(
  site: Id,
  enabled: boolean,
  reason: string,
): Promise<boolean> {
  const answer = await request<{ enabled: boolean }>(`sites/${site}/ai-ordering`, {
    method: 'POST',
    body: { enabled, reason },
  });
  return answer.data.enabled;
}

export async function openStudy(study: Id): Promise<Manifest> {
  const path = `studies/${study}/open`;
  return (await request<{ manifest: Manifest }>(path, { method: 'POST' })).data.manifest;
}

/** Opens a study that nobody looks at yet: its frames may be brought in. */
export async function openStudyAhead(study: Id): Promise<Manifest> {
  const path = `studies/${study}/open`;
  const options = { method: 'POST', body: { ahead: true } } as const;
  return (await request<{ manifest: Manifest }>(path, options)).data.manifest;
}

export async function readManifest(study: Id): Promise<Manifest> {
  return (await request<Manifest>(`studies/${study}/manifest`)).data;
}

export async function readAi(item: Id): Promise<Ai> {
  return (await request<Ai>(`worklist/items/${item}/ai`)).data;
}

export function artefactUrl(item: Id, artefact: Id): string {
  return `/api/worklist/items/${item}/artefacts/${artefact}`;
}

export async function readReading(item: Id): Promise<Reading> {
  return (await request<Reading>(`worklist/items/${item}/reading`)).data;
}

/** A save that nobody answers for so long counts as not made, and is made again. */
const SAVE_MS = 15_000;

export async function saveReading(
  item: Id,
  version: number,
  content: Content,
  keepalive = false,
): Promise<Reading> {
  const answer = await request<Reading>(`worklist/items/${item}/reading`, {
    method: 'PUT',
    body: { content },
    ifMatch: String(version),
    keepalive,
    signal: AbortSignal.timeout(SAVE_MS),
  });
  return answer.data;
}

/** Ends the unaided read; the answer is the first that shows AI. */
export async function commitReading(
  item: Id,
  version: number,
  content: Content,
): Promise<CommitAnswer> {
  const answer = await request<CommitAnswer>(`worklist/items/${item}/commit`, {
    method: 'POST',
    body: { content },
    ifMatch: String(version),
  });
  return answer.data;
}

export async function signReading(
  item: Id,
  version: number,
  content: Content,
  told: ToldBySource = {},
): Promise<SignAnswer> {
  const answer = await request<SignAnswer>(`worklist/items/${item}/sign`, {
    method: 'POST',
    body: { content, told },
    ifMatch: String(version),
  });
  return answer.data;
}

export async function readVocabulary(): Promise<Vocabulary> {
  return (await request<Vocabulary>('vocabulary')).data;
}

export async function readHealth(): Promise<Health> {
  return (await request<Health>('health')).data;
}

export async function readQuarantine(): Promise<readonly Quarantined[]> {
  return (await request<{ items: Quarantined[] }>('quarantine')).data.items;
}

export async function releaseQuarantined(
  id: Id,
  site: Id,
  reason: string,
): Promise<void> {
  await request(`quarantine/${id}/release`, { method: 'POST', body: { site, reason } });
}

export async function readAeTitles(): Promise<readonly AeTitle[]> {
  return (await request<{ items: AeTitle[] }>('ae-titles')).data.items;
}

export async function addAeTitle(
  called: string,
  calling: string,
  site: Id,
): Promise<void> {
  await request('ae-titles', {
    method: 'POST',
    body: { called_aet: called, calling_aet: calling, site },
  });
}

export async function deleteAeTitle(id: Id): Promise<void> {
  await request(`ae-titles/${id}`, { method: 'DELETE' });
}

export async function readUsers(): Promise<readonly AdminUser[]> {
  return (await request<{ items: AdminUser[] }>('users')).data.items;
}

/** Adds an account with its first role. */
export async function addUser(user: {
  username: string;
  display_name: string;
  email?: string;
  password: string;
  site: Id;
  role: string;
}): Promise<void> {
  await request('users', { method: 'POST', body: user });
}

export async function grantMembership(user: Id, site: Id, role: string): Promise<void> {
  await request(`users/${user}/memberships`, { method: 'POST', body: { site, role } });
}

export async function revokeMembership(id: Id): Promise<void> {
  await request(`memberships/${id}`, { method: 'DELETE' });
}

export async function readAuditSeals(): Promise<AuditSeals> {
  return (await request<AuditSeals>('audit/seals')).data;
}

export async function requestAuditCheck(): Promise<void> {
  await request('audit/checks', { method: 'POST' });
}

export async function readAudit(
  query: AuditQuery,
  cursor: string | null,
): Promise<AuditPage> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== '') search.set(name, value);
  }
  if (cursor !== null) search.set('cursor', cursor);
  return (await request<AuditPage>(`audit?${search}`)).data;
}

export async function readExports(state: string): Promise<readonly ExportRow[]> {
  const search = new URLSearchParams(state === '' ? {} : { state });
  return (await request<{ items: ExportRow[] }>(`exports?${search}`)).data.items;
}
