import type { Id } from '@/domain/model';
import type { Segmentation } from '@/domain/segment/model';
import { request } from './client';

/** The calls of segmentations: label maps, interpolation, what others signed. */

const itemPath = (item: Id) => `worklist/items/${item}`;

/** Sends one image's label map, packed by gzip, under the hash of what it holds. */
export async function putSlice(
  item: Id,
  sha: string,
  slice: {
    readonly rows: number;
    readonly columns: number;
    readonly packed: Uint8Array<ArrayBuffer>;
  },
  keepalive = false,
): Promise<void> {
  const size = `rows=${slice.rows}&columns=${slice.columns}`;
  await request(`${itemPath(item)}/segment-slices/${sha}?${size}`, {
    method: 'PUT',
    bytes: slice.packed.buffer,
    keepalive,
  });
}

export function sliceUrl(item: Id, sha: string): string {
  return `/api/${itemPath(item)}/segment-slices/${sha}`;
}

export interface Interpolation {
  readonly state: 'queued' | 'running' | 'done' | 'failed';
  readonly reason: string;
  readonly slices: Readonly<Record<string, string>>;
}

/** Asks for the images between those that a segment was drawn on. */
export async function startInterpolation(
  item: Id,
  body: {
    readonly series_uid: string;
    readonly rows: number;
    readonly columns: number;
    readonly number: number;
    readonly slices: Readonly<Record<string, string>>;
  },
): Promise<Id> {
  const path = `${itemPath(item)}/segment-interpolations`;
  return (await request<{ id: Id }>(path, { method: 'POST', body })).data.id;
}

export async function readInterpolation(item: Id, id: Id): Promise<Interpolation> {
  const path = `${itemPath(item)}/segment-interpolations/${id}`;
  return (await request<Interpolation>(path)).data;
}

/** A segmentation of another reader, who has signed it. */
export interface SignedSegmentation extends Segmentation {
  readonly signed_by: string;
  readonly signed_at: string;
}

export async function readSignedSegmentations(
  study: Id,
  signal?: AbortSignal,
): Promise<readonly SignedSegmentation[]> {
  const path = `studies/${study}/segmentations`;
  const options = signal ? { signal } : {};
  const { data } = await request<{ items: SignedSegmentation[] }>(path, options);
  return data.items;
}
