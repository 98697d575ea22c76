import type { Plane } from '@/domain/geometry';
import {
  type Dataset,
  directionsOf,
  frameDataset,
  isLossy,
  number,
  planeOf,
  readAlike,
  type Spacing,
  spacingOf,
  text,
} from './dataset';
import { fetchPart } from './part';

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
  const datasets = readAlike(await response.text());
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
