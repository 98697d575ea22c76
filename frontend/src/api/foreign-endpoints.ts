import type { ForeignList, ForeignObject } from '@/domain/foreign';
import type { Id } from '@/domain/model';
import { request } from './client';

/** The calls of objects from PACS. */

export async function readForeign(study: Id, signal?: AbortSignal): Promise<ForeignList> {
  const options = signal ? { signal } : {};
  return (await request<ForeignList>(`studies/${study}/objects`, options)).data;
}

export async function readForeignObject(
  study: Id,
  sopUid: string,
  signal?: AbortSignal,
): Promise<ForeignObject> {
  const path = `studies/${study}/objects/${sopUid}`;
  return (await request<ForeignObject>(path, signal ? { signal } : {})).data;
}

export function mapUrl(study: Id, sopUid: string, number: number): string {
  return `/api/studies/${study}/objects/${sopUid}/maps/${number}`;
}

export function segmentUrl(study: Id, sopUid: string, number: number): string {
  return `/api/studies/${study}/objects/${sopUid}/segments/${number}`;
}
