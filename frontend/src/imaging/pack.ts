import type { Plane } from '@/domain/geometry';
import {
  type Dataset,
  directionsOf,
  frameDataset,
  isLossy,
  number,
  planeOf,
  type Spacing,
  spacingOf,
  text,
} from './dataset';

/** Why the pack could not be read. */
export class PackError extends Error {
  readonly kind: 'preparing' | 'denied' | 'offline' | 'broken';
  readonly detail: string;

  constructor(kind: PackError['kind'], detail = '') {
    super(kind);
    this.name = 'PackError';
    this.kind = kind;
    this.detail = detail;
  }
}

interface PackInstance {
  readonly index: number;
  readonly sop_uid: string;
  readonly n_frames: number;
  readonly rows: number;
  readonly columns: number;
  readonly transfer_syntax: string;
  readonly ext: string;
  readonly bytes: number;
}

export interface PackSeries {
  readonly index: number;
  readonly uid: string;
  readonly modality: string;
  readonly number: number | null;
  readonly description: string;
  readonly instances: readonly PackInstance[];
  readonly displayable: boolean;
  readonly why_not: string | null;
}

export interface PackIndex {
  readonly revision_id: string;
  readonly series: readonly PackSeries[];
}

/** One frame that can be shown, with what the overlays need to know of it. */
export interface ImageRef {
  readonly imageId: string;
  readonly url: string;
  readonly sopUid: string;
  readonly frame: number;
  readonly rows: number;
  readonly columns: number;
  readonly transferSyntax: string;
  readonly lossy: boolean;
  readonly plane: Plane;
  readonly placed: boolean;
  readonly spacing: Spacing;
  readonly directions: { readonly row: string; readonly column: string };
  readonly frameOfReference: string | null;
  readonly location: number | null;
  readonly thickness: number | null;
  /** DICOM date and time of the image, as they stand in it. */
  readonly date: string;
  readonly time: string;
  readonly dataset: Dataset;
}

export interface Stack {
  readonly index: number;
  readonly uid: string;
  readonly number: number | null;
  readonly modality: string;
  readonly description: string;
  readonly images: readonly ImageRef[];
  /** Bytes of all frames once decoded, about. */
  readonly decodedBytes: number;
}

function kindOf(status: number): PackError['kind'] {
  if (status === 404 || status === 503) return 'preparing';
  if (status === 401 || status === 403) return 'denied';
  return status >= 500 ? 'offline' : 'broken';
}

/** GETs one thing of a pack; every refusal is a `PackError`. */
export async function fetchPart(url: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      credentials: 'same-origin',
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new PackError('offline');
  }
  if (!response.ok) throw new PackError(kindOf(response.status), `${response.status}`);
  return response;
}

/**
 * The bytes of an answer. They are read into the memory that they stay in: the usual way
 * gathers them aside first, and what lies aside is given back late.
 */
export async function bytesOf(response: Response): Promise<Uint8Array> {
  const length = Number(response.headers.get('Content-Length'));
  const encoded = response.headers.has('Content-Encoding');
  const reader = encoded || !(length > 0) ? null : byteReader(response);
  if (!reader) return new Uint8Array(await response.arrayBuffer());
  let bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { done, value } = await reader.read(new Uint8Array(bytes.buffer, filled));
    if (value) bytes = new Uint8Array(value.buffer);
    filled += value?.byteLength ?? 0;
    if (done && filled < length) throw new PackError('offline', 'cut short');
  }
  return bytes;
}

/** Null in a browser that does not know it. */
function byteReader({ body }: Response): ReadableStreamBYOBReader | null {
  try {
    return body?.getReader({ mode: 'byob' }) ?? null;
  } catch {
    return null;
  }
}

/** The transfer syntax of a frame's answer. */
export function syntaxOf(response: Response, stated: string): string {
  const type = response.headers.get('Content-Type') ?? '';
  return /transfer-syntax="?([0-9.]+)"?/.exec(type)?.[1] ?? stated;
}

export async function readIndex(base: string, signal?: AbortSignal): Promise<PackIndex> {
  const response = await fetchPart(`${base}index.json`, signal);
  return response.json();
}

export function thumbnailUrl(base: string, series: number): string {
  return `${base}thumbs/${series}.jpg`;
}

function refOf(
  base: string,
  instance: PackInstance,
  frame: number,
  of: Dataset,
  place: number,
) {
  const dataset = frameDataset(of, frame);
  const url = `${base}frames/${instance.sop_uid}/${frame}.${instance.ext}`;
  const { plane, real } = planeOf(dataset, place);
  const image: ImageRef = {
    imageId: `pack:${url}`,
    url,
    sopUid: instance.sop_uid,
    frame,
    rows: instance.rows,
    columns: instance.columns,
    transferSyntax: instance.transfer_syntax,
    lossy: isLossy(dataset, instance.transfer_syntax),
    plane,
    placed: real,
    spacing: spacingOf(dataset),
    directions: directionsOf(dataset),
    frameOfReference: text(dataset, '00200052') || null,
    location: number(dataset, '00201041') ?? (real ? plane.origin[2] : null),
    thickness: number(dataset, '00180050'),
    date:
      text(dataset, '00080022') || text(dataset, '00080023') || text(dataset, '00080020'),
    time:
      text(dataset, '00080032') || text(dataset, '00080033') || text(dataset, '00080030'),
    dataset,
  };
  return image;
}

/** Whether a frame's pixels are colours, which no volume is made of. */
export function isColour({ dataset }: ImageRef): boolean {
  const samples = number(dataset, '00280002') ?? 1;
  return samples > 1 || text(dataset, '00280004') === 'PALETTE COLOR';
}

/** Reads one series' metadata and lists its frames in the pack's order. */
export async function readStack(
  base: string,
  series: PackSeries,
  signal?: AbortSignal,
): Promise<Stack> {
  const response = await fetchPart(`${base}metadata/${series.index}.json`, signal);
  const datasets: readonly Dataset[] = await response.json();
  const images = series.instances.flatMap((instance, place) => {
    const dataset = datasets[place] ?? {};
    return Array.from({ length: Math.max(1, instance.n_frames) }, (_, index) =>
      refOf(base, instance, index + 1, dataset, place + index),
    );
  });
  const decodedBytes = images.reduce(
    (sum, image) => sum + image.rows * image.columns * 2,
    0,
  );
  const { index, uid, number: seriesNumber, modality, description } = series;
  return {
    index,
    uid,
    number: seriesNumber,
    modality,
    description,
    images,
    decodedBytes,
  };
}
