import type { Annotation, Id, Instant } from '@/domain/model';
import { request } from './client';

/** A measurement that a reader has signed. */
export interface SignedMark extends Annotation {
  readonly signed_by: string;
  readonly signed_at: Instant;
}

export interface SignedMarks {
  readonly items: readonly SignedMark[];
  readonly hidden_reason: string;
}

/** What readers measured on a study and signed. */
export async function readSignedMarks(
  study: Id,
  signal?: AbortSignal,
): Promise<SignedMarks> {
  const options = signal ? { signal } : {};
  return (await request<SignedMarks>(`studies/${study}/marks`, options)).data;
}
