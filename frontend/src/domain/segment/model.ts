/**
 * What a reader segments: label maps of single images, named by their content, and the
 * segments that their numbers mean. A voxel belongs to one segment of its series.
 */

import type { Coded } from '../model';

/** Where a segment was taken from, when it was not drawn. */
export interface SegmentSource {
  readonly kind: 'foreign' | 'ai' | 'reader';
  readonly sop_uid?: string;
  readonly segment?: number;
  readonly finding_id?: string;
}

export interface Segment {
  /** 1 to 255: the value of its voxels. */
  readonly number: number;
  readonly label: Coded;
  /** `#rrggbb` */
  readonly colour: string;
  /** Its reader's own name for it. */
  readonly note?: string;
  readonly source?: SegmentSource | null;
}

export interface Segmentation {
  readonly id: string;
  readonly series_uid: string;
  readonly frame_of_reference_uid: string | null;
  readonly rows: number;
  readonly columns: number;
  readonly segments: readonly Segment[];
  /** By `sliceKey`, the SHA-256 of the image's label map; empty images are left out. */
  readonly slices: Readonly<Record<string, string>>;
}

/** What a segmentation is made on. */
export interface SegmentedSeries {
  readonly seriesUid: string;
  readonly frameOfReference: string | null;
  readonly rows: number;
  readonly columns: number;
}

/** A segment that nobody has named yet. */
export const TISSUE: Coded = {
  scheme: 'SCT',
  code: '85756007',
  display: 'Tissue',
};

/** Told apart on grey, by most of those who do not see all colours, and not AI's violet. */
export const COLOURS = [
  '#3fd0b4',
  '#ffb454',
  '#5aa9ff',
  '#ff6f91',
  '#c6e05a',
  '#ff8a4c',
  '#7fe0ff',
  '#f2e05c',
] as const;

const MOST = 255;

/** Names one image of a series: its SOP Instance UID and 1-based frame. */
export const sliceKey = (sopUid: string, frame: number) => `${sopUid}#${frame}`;

/** The image that a key names. */
export function imageOfKey(key: string): { sopUid: string; frame: number } {
  const cut = key.lastIndexOf('#');
  return { sopUid: key.slice(0, cut), frame: Number(key.slice(cut + 1)) };
}

type All = readonly Segmentation[] | undefined;

export const segmentationOf = (all: All, seriesUid: string): Segmentation | null =>
  all?.find((one) => one.series_uid === seriesUid) ?? null;

export const segmentOf = (one: Segmentation | null, number: number): Segment | null =>
  one?.segments.find((segment) => segment.number === number) ?? null;

/** What a segment is called: in its reader's words, else by its label. */
export const segmentName = ({ note, label }: Segment) => note || label.display;

/** The lowest number that no segment has; null when all are taken. */
export function freeNumber(one: Segmentation | null): number | null {
  const taken = new Set(one?.segments.map((segment) => segment.number));
  for (let number = 1; number <= MOST; number += 1) {
    if (!taken.has(number)) return number;
  }
  return null;
}

export const colourFor = (number: number): string =>
  COLOURS[(number - 1) % COLOURS.length] ?? COLOURS[0];

/** A new segment with the number and colour that are due. */
export function newSegment(
  number: number,
  label: Coded,
  more: Pick<Segment, 'note' | 'source'> = {},
): Segment {
  return { number, label, colour: colourFor(number), ...more };
}

/** All segmentations with one of them in its new form; one that holds nothing is gone. */
export function withSegmentation(
  all: readonly Segmentation[],
  changed: Segmentation,
): readonly Segmentation[] {
  const empty = changed.segments.length === 0 && Object.keys(changed.slices).length === 0;
  const known = all.some((one) => one.id === changed.id);
  if (!known) return empty ? all : [...all, changed];
  return all.flatMap((one) => (one.id !== changed.id ? [one] : empty ? [] : [changed]));
}

export function startSegmentation(id: string, of: SegmentedSeries): Segmentation {
  return {
    id,
    series_uid: of.seriesUid,
    frame_of_reference_uid: of.frameOfReference,
    rows: of.rows,
    columns: of.columns,
    segments: [],
    slices: {},
  };
}

/** A segmentation with one more segment, in the order of numbers. */
export function withSegment(one: Segmentation, segment: Segment): Segmentation {
  const others = one.segments.filter(({ number }) => number !== segment.number);
  const segments = [...others, segment].sort((a, b) => a.number - b.number);
  return { ...one, segments };
}

export function changeSegment(
  one: Segmentation,
  number: number,
  change: Partial<Pick<Segment, 'label' | 'colour' | 'note'>>,
): Segmentation {
  return {
    ...one,
    segments: one.segments.map((segment) => {
      if (segment.number !== number) return segment;
      const { note, ...rest } = { ...segment, ...change };
      return note ? { ...rest, note } : rest;
    }),
  };
}

export function withoutSegment(one: Segmentation, number: number): Segmentation {
  return { ...one, segments: one.segments.filter((each) => each.number !== number) };
}

/** A segmentation with other label maps; null takes an image's away. */
export function withSlices(
  one: Segmentation,
  changed: Readonly<Record<string, string | null>>,
): Segmentation {
  const all: Record<string, string | null> = { ...one.slices, ...changed };
  const kept = Object.entries(all).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return { ...one, slices: Object.fromEntries(kept) };
}

/** Every label map that a draft names. */
export function namedSlices(all: All): readonly NamedSlice[] {
  return (all ?? []).flatMap(({ rows, columns, slices }) =>
    Object.values(slices).map((sha) => ({ sha, rows, columns })),
  );
}

export interface NamedSlice {
  readonly sha: string;
  readonly rows: number;
  readonly columns: number;
}
