import { create } from 'zustand';
import { uuidFrom } from '@/domain/ids';
import type { Coded } from '@/domain/model';
import {
  changeSegment,
  freeNumber,
  newSegment,
  type Segment,
  type Segmentation,
  type SegmentedSeries,
  type SegmentSource,
  segmentationOf,
  segmentOf,
  startSegmentation,
  TISSUE,
  withoutSegment,
  withSegment,
  withSegmentation,
  withSlices,
} from '@/domain/segment/model';
import {
  clearNumber,
  type Range,
  type Rect,
  type ScissorShape,
} from '@/domain/segment/paint';
import { changeDraft, getRoom } from './room';
import { slicesNow } from './segment-slices';

/** What the list of segments shows open: a field of one segment, or the form for a new one. */
export type SegmentField =
  | { readonly kind: 'add' }
  | {
      readonly kind: 'label' | 'note';
      readonly seriesUid: string;
      readonly number: number;
    };

/** An interpolation that was asked for. */
export interface SegmentJob {
  readonly number: number;
  readonly state: 'queued' | 'running' | 'done' | 'failed';
  readonly detail: string;
}

interface SegmentingState {
  /** By series, the segment that the tools work on. */
  readonly active: Readonly<Record<string, number>>;
  /** By `segmentId`. */
  readonly hidden: Readonly<Record<string, boolean>>;
  readonly locked: Readonly<Record<string, boolean>>;
  readonly shown: boolean;
  /** Of the areas, 0 (lines only) to 1. */
  readonly opacity: number;
  /** Diameter of the brush, mm; pixels on images without a scale. */
  readonly size: number;
  readonly range: Range | null;
  readonly shape: ScissorShape;
  readonly field: SegmentField | null;
  /** By series. */
  readonly jobs: Readonly<Record<string, SegmentJob>>;
  /** Why the last thing that was asked for was not done, in words. */
  readonly trouble: string | null;
  /** Steps that are not in the draft yet. */
  readonly pending: number;
}

export const useSegmenting = create<SegmentingState>(() => ({
  active: {},
  hidden: {},
  locked: {},
  shown: true,
  opacity: 0.3,
  size: 10,
  range: null,
  shape: 'freehand',
  field: null,
  jobs: {},
  trouble: null,
  pending: 0,
}));

export const getSegmenting = useSegmenting.getState;
export const setSegmenting = useSegmenting.setState;

/** Another reading: how one paints stays, what one painted does not. */
export function resetSegments(): void {
  live.clear();
  setSegmenting({
    active: {},
    hidden: {},
    locked: {},
    field: null,
    jobs: {},
    trouble: null,
    range: null,
  });
}

/** Tells a segment apart from those of other series. */
export const segmentId = (seriesUid: string, number: number) => `${seriesUid}#${number}`;

export function segmentationNow(seriesUid: string): Segmentation | null {
  return segmentationOf(getRoom().draft.content.segmentations, seriesUid);
}

/** The segment that the tools work on; the first one unless another was chosen. */
export function activeSegment(
  one: Segmentation | null,
  active: Readonly<Record<string, number>> = getSegmenting().active,
): Segment | null {
  if (!one) return null;
  const chosen = segmentOf(one, active[one.series_uid] ?? 0);
  return chosen ?? one.segments[0] ?? null;
}

export function chooseSegment(seriesUid: string, number: number): void {
  const active = { ...getSegmenting().active, [seriesUid]: number };
  setSegmenting({ active, trouble: null });
}

export function lockedNumbers(seriesUid: string): ReadonlySet<number> {
  const { locked } = getSegmenting();
  const all = segmentationNow(seriesUid)?.segments ?? [];
  return new Set(
    all.flatMap(({ number }) => (locked[segmentId(seriesUid, number)] ? [number] : [])),
  );
}

/** Label maps that are being painted, or are on their way into the draft. */
const live = new Map<string, { labels: Uint8Array; steps: number }>();
type Listener = (rect: Rect | null) => void;
const listeners = new Map<string, Set<Listener>>();

const placeOf = (seriesUid: string, key: string) => `${seriesUid} ${key}`;

/** What is being painted under a key, or on its way into the draft; null: nothing. */
export const paintedNow = (seriesUid: string, key: string): Uint8Array | null =>
  live.get(placeOf(seriesUid, key))?.labels ?? null;

/** Hears of changes to one image's label map; null says that all of it may be new. */
export function followLabels(
  seriesUid: string,
  key: string,
  listener: Listener,
): () => void {
  const place = placeOf(seriesUid, key);
  const all = listeners.get(place) ?? new Set();
  listeners.set(place, all.add(listener));
  return () => void all.delete(listener);
}

export function tellLabels(seriesUid: string, key: string, rect: Rect | null): void {
  for (const listener of listeners.get(placeOf(seriesUid, key)) ?? []) listener(rect);
}

/**
 * One image's label map as it is now: null when nothing is drawn there, undefined while
 * it is on its way (followers are told when it is here).
 */
export function labelsNow(seriesUid: string, key: string): Uint8Array | null | undefined {
  const painted = live.get(placeOf(seriesUid, key));
  if (painted) return painted.labels;
  const sha = segmentationNow(seriesUid)?.slices[key];
  if (sha === undefined) return null;
  const slices = slicesNow();
  const labels = slices?.now(sha);
  if (labels) return labels;
  slices?.read(sha).then(
    () => tellLabels(seriesUid, key, null),
    () => setSegmenting({ trouble: 'unread' }),
  );
  return undefined;
}

let queue: Promise<void> = Promise.resolve();

/** Steps go into the draft one after another, in the order in which they were made. */
export function enqueue(work: () => Promise<void>): Promise<void> {
  setSegmenting({ pending: getSegmenting().pending + 1 });
  queue = queue
    .then(work)
    .catch((error: unknown) => {
      setSegmenting({ trouble: error instanceof Error ? error.message : '' });
    })
    .finally(() => setSegmenting({ pending: getSegmenting().pending - 1 }));
  return queue;
}

export const strokesPending = () => getSegmenting().pending > 0;

/** Resolves when everything that was drawn is in the draft. */
export const strokesSettled = (): Promise<void> => queue;

const freshId = () => uuidFrom(crypto.getRandomValues(new Uint8Array(16)));

/** Puts a changed segmentation into the draft, as one step of undo. */
function changeSegmentation(
  series: SegmentedSeries,
  change: (one: Segmentation) => Segmentation,
): void {
  const all = getRoom().draft.content.segmentations ?? [];
  const before = segmentationOf(all, series.seriesUid);
  const one = before ?? startSegmentation(freshId(), series);
  const next = change(one);
  if (next === one) return;
  changeDraft({ type: 'segment', segmentations: withSegmentation(all, next) });
}

/** Name of a label map, or null when nothing is on it. */
export async function nameOf(
  labels: Uint8Array,
  of: SegmentedSeries,
): Promise<string | null> {
  const some = labels.some((label) => label !== 0);
  if (!some) return null;
  return (await slicesNow()?.add(labels, of.rows, of.columns)) ?? null;
}

/** One image that is being painted. */
export interface Painting {
  readonly series: SegmentedSeries;
  readonly key: string;
  readonly labels: Uint8Array;
  /** How the image was before. */
  readonly before: Uint8Array | null;
  /** What is painted, and whether it has to be made first. */
  readonly segment: Segment;
}

/** Why painting cannot begin. */
export type NoPainting = 'locked' | 'hidden' | 'loading' | 'size' | 'full' | 'slab';

function segmentToPaint(series: SegmentedSeries): Segment | NoPainting {
  const { seriesUid } = series;
  const one = segmentationNow(seriesUid);
  if (one && (one.rows !== series.rows || one.columns !== series.columns)) return 'size';
  const segment = activeSegment(one);
  if (!segment) {
    const number = freeNumber(one);
    return number === null ? 'full' : newSegment(number, TISSUE);
  }
  const id = segmentId(seriesUid, segment.number);
  const { hidden, locked, shown } = getSegmenting();
  if (locked[id]) return 'locked';
  return hidden[id] || !shown ? 'hidden' : segment;
}

/**
 * Begins to paint an image; what is painted is seen at once and undone with `cancel`.
 *
 * @param now The labels there are now, as `labelsNow` answers them.
 */
export function beginPainting(
  series: SegmentedSeries,
  key: string,
  now = labelsNow(series.seriesUid, key),
): Painting | NoPainting {
  const segment = segmentToPaint(series);
  if (typeof segment === 'string') return segment;
  const before = now;
  if (before === undefined) return 'loading';
  const labels = before?.slice() ?? new Uint8Array(series.rows * series.columns);
  const place = placeOf(series.seriesUid, key);
  const steps = live.get(place)?.steps ?? 0;
  live.set(place, { labels, steps: steps + 1 });
  return { series, key, labels, before, segment };
}

/** One step of this image is done: the draft says how it looks, when it was the last. */
export function letGo({ seriesUid }: SegmentedSeries, key: string): void {
  const place = placeOf(seriesUid, key);
  const painted = live.get(place);
  if (!painted) return;
  painted.steps -= 1;
  if (painted.steps <= 0) live.delete(place);
}

/** Puts painted label maps into the draft as one step; a new segment comes with them. */
export function putPainted(
  series: SegmentedSeries,
  segment: Segment,
  names: Readonly<Record<string, string | null>>,
): void {
  changeSegmentation(series, (one) => {
    const known = segmentOf(one, segment.number) !== null;
    const some = Object.values(names).some((sha) => sha !== null);
    const ready = known || !some ? one : withSegment(one, segment);
    const same = Object.entries(names).every(
      ([key, sha]) => (ready.slices[key] ?? null) === sha,
    );
    return same ? ready : withSlices(ready, names);
  });
}

/** Puts what was painted into the draft. */
export function endPainting({ series, key, labels, segment }: Painting): void {
  const drawn = labels.slice();
  void enqueue(async () => {
    try {
      putPainted(series, segment, { [key]: await nameOf(drawn, series) });
    } finally {
      letGo(series, key);
      tellLabels(series.seriesUid, key, null);
    }
  });
}

/** Forgets what was painted since `beginPainting`. */
export function cancelPainting({ series, key, before }: Painting): void {
  const painted = live.get(placeOf(series.seriesUid, key));
  // An earlier stroke may be on its way into the draft still.
  if (painted && before) painted.labels = before;
  letGo(series, key);
  tellLabels(series.seriesUid, key, null);
}

export function addSegment(
  series: SegmentedSeries,
  label: Coded,
  more: { note?: string; source?: SegmentSource } = {},
): void {
  void enqueue(async () => {
    const number = freeNumber(segmentationNow(series.seriesUid));
    if (number === null) {
      setSegmenting({ trouble: 'full' });
      return;
    }
    changeSegmentation(series, (one) =>
      withSegment(one, newSegment(number, label, more)),
    );
    chooseSegment(series.seriesUid, number);
    setSegmenting({ field: null });
  });
}

const seriesOf = (one: Segmentation): SegmentedSeries => ({
  seriesUid: one.series_uid,
  frameOfReference: one.frame_of_reference_uid,
  rows: one.rows,
  columns: one.columns,
});

export function editSegment(
  one: Segmentation,
  number: number,
  change: Partial<Pick<Segment, 'label' | 'colour' | 'note'>>,
): void {
  void enqueue(async () => {
    changeSegmentation(seriesOf(one), (now) => changeSegment(now, number, change));
  });
}

/** Takes a segment and its voxels away, as one step. */
export function deleteSegment(seriesUid: string, number: number): void {
  void enqueue(async () => {
    const one = segmentationNow(seriesUid);
    const slices = slicesNow();
    if (!one || !slices) return;
    const changed: Record<string, string | null> = {};
    for (const [key, sha] of Object.entries(one.slices)) {
      const labels = (await slices.read(sha)).slice();
      if (clearNumber(labels, number)) changed[key] = await nameOf(labels, seriesOf(one));
    }
    changeSegmentation(seriesOf(one), (now) =>
      withSlices(withoutSegment(now, number), changed),
    );
  });
}

/** A new segment with voxels that came from elsewhere, as one step. */
export function addDrawn(
  series: SegmentedSeries,
  segment: Pick<Segment, 'label' | 'note' | 'source'>,
  images: readonly string[],
  draw: (labels: Uint8Array, key: string, number: number) => void,
): Promise<void> {
  return enqueue(async () => {
    const one = segmentationNow(series.seriesUid);
    const number = freeNumber(one);
    const slices = slicesNow();
    if (number === null || !slices) return setSegmenting({ trouble: 'full' });
    const { label, ...more } = segment;
    const changed: Record<string, string | null> = {};
    for (const key of images) {
      const sha = one?.slices[key];
      const labels = sha
        ? (await slices.read(sha)).slice()
        : new Uint8Array(series.rows * series.columns);
      draw(labels, key, number);
      changed[key] = await nameOf(labels, series);
    }
    changeSegmentation(series, (now) =>
      withSlices(withSegment(now, newSegment(number, label, more)), changed),
    );
    chooseSegment(series.seriesUid, number);
  });
}

/** Puts label maps that the portal made into the draft, where nobody drew since. */
export function takeSlices(
  seriesUid: string,
  before: Readonly<Record<string, string>>,
  made: Readonly<Record<string, string>>,
): Promise<void> {
  return enqueue(async () => {
    const one = segmentationNow(seriesUid);
    if (!one) return;
    const fresh = Object.entries(made).filter(
      ([key]) => one.slices[key] === before[key] && made[key] !== before[key],
    );
    if (fresh.length === 0) return;
    changeSegmentation(seriesOf(one), (now) =>
      withSlices(now, Object.fromEntries(fresh)),
    );
    for (const key of Object.keys(made)) tellLabels(seriesUid, key, null);
  });
}

/** One step back or forth, after what is still on its way into the draft. */
export function stepDraft(type: 'undo' | 'redo'): void {
  if (!strokesPending()) changeDraft({ type });
  else void strokesSettled().then(() => changeDraft({ type }));
}

/** What commands can do with the segment tools of one pane. */
export interface SegmentControl {
  /** Presses the tool at the cursor, or lets it go. */
  press(erase: boolean): void;
  /** Moves the cursor by parts of the brush. */
  move(by: readonly [number, number]): void;
  /** Takes the range from the values under the cursor. */
  takeRange(): void;
  /** Forgets what is being drawn. Says whether there was anything. */
  cancel(): boolean;
}

const controls = new Map<number, SegmentControl>();

export function registerSegments(pane: number, control: SegmentControl): () => void {
  controls.set(pane, control);
  return () => {
    if (controls.get(pane) === control) controls.delete(pane);
  };
}

export function segmentControl(): SegmentControl | null {
  return controls.get(getRoom().activePane) ?? null;
}

/** Ends drawing in any pane, or closes a field of the list. Says whether there was one. */
export function cancelSegmenting(): boolean {
  const open = getSegmenting().field !== null;
  if (open) setSegmenting({ field: null });
  const drawn = [...controls.values()].map((control) => control.cancel());
  return open || drawn.includes(true);
}
