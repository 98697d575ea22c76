import type { Id } from '@/domain/model';
import { request } from './client';
import type {
  Arrivals,
  ComparedWork,
  Comparison,
  PackWork,
  RunWork,
  SideName,
  WorkPage,
} from './held-types';

/** The calls of what is held, what could not be taken, and what was given up. */

export async function readComparison(id: Id): Promise<Comparison> {
  return (await request<Comparison>(`quarantine/${id}`)).data;
}

export function pictureUrl(id: Id, side: SideName, sopUid: string): string {
  return `/api/quarantine/${id}/pictures/${side}/${sopUid}`;
}

/** Decides about what is held; the reader said that both sides were compared. */
export async function decideHeld(
  id: Id,
  decision: 'keep' | 'accept',
  reason: string,
): Promise<void> {
  await request(`quarantine/${id}/${decision}`, {
    method: 'POST',
    body: { reason, confirm: true },
  });
}

export async function readArrivals(): Promise<Arrivals> {
  return (await request<Arrivals>('arrival-failures')).data;
}

export async function retryArrival(id: Id): Promise<void> {
  await request(`arrival-failures/${id}/retry`, { method: 'POST' });
}

async function readFailed<T extends PackWork>(
  list: 'runs' | 'explanations' | 'comparisons' | 'interpolations' | 'packs',
  cursor: string | null,
): Promise<WorkPage<T>> {
  const search = new URLSearchParams({ state: 'failed' });
  if (cursor !== null) search.set('cursor', cursor);
  return (await request<WorkPage<T>>(`${list}?${search}`)).data;
}

export function readFailedRuns(cursor: string | null): Promise<WorkPage<RunWork>> {
  return readFailed('runs', cursor);
}

export function readFailedExplanations(
  cursor: string | null,
): Promise<WorkPage<ComparedWork>> {
  return readFailed('explanations', cursor);
}

export function readFailedComparisons(
  cursor: string | null,
): Promise<WorkPage<ComparedWork>> {
  return readFailed('comparisons', cursor);
}

export function readFailedInterpolations(
  cursor: string | null,
): Promise<WorkPage<PackWork>> {
  return readFailed('interpolations', cursor);
}

export async function retryExplanation(id: Id): Promise<void> {
  await request(`explanations/${id}/retry`, { method: 'POST' });
}

export async function retryComparison(id: Id): Promise<void> {
  await request(`comparisons/${id}/retry`, { method: 'POST' });
}

export async function retryInterpolation(id: Id): Promise<void> {
  await request(`interpolations/${id}/retry`, { method: 'POST' });
}

export function readFailedPacks(cursor: string | null): Promise<WorkPage<PackWork>> {
  return readFailed('packs', cursor);
}

export async function retryRun(id: Id): Promise<void> {
  await request(`runs/${id}/retry`, { method: 'POST' });
}

export async function retryPack(revision: Id): Promise<void> {
  await request(`packs/${revision}/retry`, { method: 'POST' });
}
