import type {
  Edition,
  Id,
  LeaseAnswer,
  Reading,
  Row,
  Verification,
} from '@/domain/model';
import { request } from './client';

/** A signed reading that holds, with the versions that it superseded. */
export interface SignedReading extends Edition {
  readonly item_id: Id | null;
  readonly mine: boolean;
  readonly may_amend: boolean;
  /** Who amends it just now. */
  readonly amended_by: string | null;
  readonly site: { readonly id: Id; readonly name: string };
  readonly patient: { readonly name: string; readonly id: string };
  readonly study: {
    readonly id: Id;
    readonly description: string;
    readonly modality: string;
    readonly study_date: string | null;
    readonly accession_number: string;
  };
  readonly before: readonly Edition[];
  readonly verification: Verification | null;
}

/** Makes a preliminary reading final as it stands. */
export async function verifyReading(id: Id): Promise<SignedReading> {
  const path = `readings/${id}/verify`;
  return (await request<SignedReading>(path, { method: 'POST' })).data;
}

/** Sends a preliminary reading back to its reader. */
export async function sendBackReading(id: Id, reason: string): Promise<SignedReading> {
  const options = { method: 'POST', body: { reason } } as const;
  return (await request<SignedReading>(`readings/${id}/send-back`, options)).data;
}

export interface SignedPage {
  readonly items: readonly SignedReading[];
  readonly next_cursor: string | null;
  readonly reasons: readonly { readonly code: string; readonly display: string }[];
}

export interface SignedQuery {
  readonly mine: boolean;
  readonly words: string;
}

export async function readSigned(query: SignedQuery, cursor = ''): Promise<SignedPage> {
  const search = new URLSearchParams();
  if (query.mine) search.set('mine', '1');
  if (query.words) search.set('q', query.words);
  if (cursor) search.set('cursor', cursor);
  return (await request<SignedPage>(`readings?${search}`)).data;
}

/** Where a reading's report is, as a file that names nobody. */
export function reportAddress(reading: Id, form: 'txt' | 'pdf'): string {
  return `/api/readings/${reading}/report.${form}`;
}

export async function readReportText(reading: Id): Promise<string> {
  const answer = await fetch(reportAddress(reading, 'txt'), { cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

export interface AmendReason {
  readonly reason_code: string;
  readonly reason_text: string;
}

/** A study to look at; the reading is the signed one, null while somebody reads it. */
export interface Looked {
  /** The reading waits for this person's verification. */
  readonly may_verify: boolean;
  /** It is this person's to amend: their own, or one to verify. */
  readonly may_amend: boolean;
  readonly item: Row;
  readonly reading: Reading | null;
}

export async function lookAt(item: Id): Promise<Looked> {
  return (await request<Looked>(`worklist/items/${item}/look`, { method: 'POST' })).data;
}

export async function amendItem(item: Id, why: AmendReason): Promise<LeaseAnswer> {
  const path = `worklist/items/${item}/amend`;
  return (await request<LeaseAnswer>(path, { method: 'POST', body: why })).data;
}
