import type {
  FileStatus,
  Intake,
  IntakeFile,
  IntakeList,
  IntakeReport,
} from '@/domain/intake';
import type { Id } from '@/domain/model';
import { request } from './client';

/** The calls of an import. File names travel in JSON bodies only. */

export async function beginIntake(site: Id): Promise<Intake> {
  return (await request<Intake>('intakes', { method: 'POST', body: { site } })).data;
}

export async function readIntakes(cursor: string | null): Promise<IntakeList> {
  const search = new URLSearchParams(cursor === null ? {} : { cursor });
  return (await request<IntakeList>(`intakes?${search}`)).data;
}

export interface ReportQuery {
  readonly statuses: readonly FileStatus[];
  readonly cursor: string | null;
  readonly limit: number;
}

export async function readReport(
  intake: Id,
  { statuses, cursor, limit }: ReportQuery,
  signal?: AbortSignal,
): Promise<IntakeReport> {
  const search = new URLSearchParams({ limit: String(limit) });
  for (const status of statuses) search.append('status', status);
  if (cursor !== null) search.set('cursor', cursor);
  const path = `intakes/${intake}?${search}`;
  return (await request<IntakeReport>(path, signal ? { signal } : {})).data;
}

export interface NamedFile {
  readonly key: string;
  readonly name: string;
  readonly size: number;
}

export async function nameFiles(
  intake: Id,
  files: readonly NamedFile[],
  signal: AbortSignal,
): Promise<readonly IntakeFile[]> {
  const answer = await request<{ items: IntakeFile[] }>(`intakes/${intake}/files`, {
    method: 'POST',
    body: { files },
    signal,
  });
  return answer.data.items;
}

/** Sends bytes of a file from `offset` on; no bytes at its end: go on taking it. */
export async function sendChunk(
  intake: Id,
  file: Id,
  chunk: { readonly offset: number; readonly bytes: ArrayBuffer },
  signal: AbortSignal,
): Promise<IntakeFile> {
  const path = `intakes/${intake}/files/${file}`;
  return (await request<IntakeFile>(path, { method: 'PUT', ...chunk, signal })).data;
}

export async function finishIntake(intake: Id, giveUp: boolean): Promise<Intake> {
  const path = `intakes/${intake}/finish`;
  return (await request<Intake>(path, { method: 'POST', body: { give_up: giveUp } }))
    .data;
}
