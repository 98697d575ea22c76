import type { Plane, Vector } from '@/domain/geometry';
import { lettersOf } from '@/domain/geometry';
import { type ScaledRegion, sharedSpacing } from '@/domain/measure/regions';
import type { Table } from './stored';

/** One DICOM JSON attribute and a dataset of them (PS3.18 F.2). */
export interface Attribute {
  readonly vr?: string;
  readonly Value?: readonly unknown[];
  readonly InlineBinary?: string;
  readonly BulkDataURI?: string;
}
export type Dataset = Readonly<Record<string, Attribute>>;

const isDataset = (value: unknown): value is Dataset =>
  typeof value === 'object' && value !== null;

export function first(dataset: Dataset, tag: string): unknown {
  return dataset[tag]?.Value?.[0];
}

export function text(dataset: Dataset, tag: string): string {
  const value = first(dataset, tag);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A number of a DS, IS or binary attribute; null when absent or not a number. */
export function number(dataset: Dataset, tag: string): number | null {
  const value = first(dataset, tag);
  const parsed = typeof value === 'string' ? Number.parseFloat(value) : value;
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : null;
}

export function numbers(dataset: Dataset, tag: string): readonly number[] {
  return (dataset[tag]?.Value ?? [])
    .map((value) => (typeof value === 'string' ? Number.parseFloat(value) : value))
    .filter(
      (value): value is number => typeof value === 'number' && !Number.isNaN(value),
    );
}

export function strings(dataset: Dataset, tag: string): readonly string[] {
  return (dataset[tag]?.Value ?? []).map((value) => String(value));
}

export function items(dataset: Dataset, tag: string): readonly Dataset[] {
  return (dataset[tag]?.Value ?? []).filter(isDataset);
}

const SHARED_GROUPS = '52009229';
const FRAME_GROUPS = '52009230';

/** The first item of every functional group sequence of one group, as one dataset. */
function flattenGroups(group: Dataset | undefined): Dataset {
  const flat: Record<string, Attribute> = {};
  for (const attribute of Object.values(group ?? {})) {
    const item = attribute?.Value?.[0];
    if (attribute?.vr === 'SQ' && isDataset(item)) Object.assign(flat, item);
  }
  return flat;
}

/**
 * What holds for one frame of an instance: the shared and per-frame functional groups
 * laid over the instance's own attributes, without the groups themselves.
 *
 * @param frame 1-based.
 */
export function frameDataset(instance: Dataset, frame: number): Dataset {
  if (!(SHARED_GROUPS in instance || FRAME_GROUPS in instance)) return instance;
  const shared = flattenGroups(items(instance, SHARED_GROUPS)[0]);
  const own = flattenGroups(items(instance, FRAME_GROUPS)[frame - 1]);
  const { [SHARED_GROUPS]: _shared, [FRAME_GROUPS]: _frames, ...rest } = instance;
  return { ...rest, ...shared, ...own };
}

function sameParts(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (!sameValue(a[at], b[at])) return false;
  return true;
}

/** Every attribute of every image passes here: lists of names would be megabytes. */
function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return sameParts(a, b);
  if (!isDataset(a) || !isDataset(b)) return a === b;
  let more = 0;
  for (const name in a) {
    if (!(name in b && sameValue(a[name], b[name]))) return false;
    more += 1;
  }
  for (const _ in b) more -= 1;
  return more === 0;
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPENS = 123;
const CLOSES = 125;

/** Where the string that begins at `at` ends. */
function endOfString(json: string, at: number): number {
  let end = at + 1;
  for (; end < json.length; end += 1) {
    const letter = json.charCodeAt(end);
    if (letter === QUOTE) return end;
    if (letter === BACKSLASH) end += 1;
  }
  return end;
}

const isList = (json: string) => json.startsWith('[') && json.trimEnd().endsWith(']');

/** Where the next brace outside of strings is, from `from` on; the length if nowhere. */
function nextBrace(json: string, from: number): number {
  for (let at = from; at < json.length; at += 1) {
    const letter = json.charCodeAt(at);
    if (letter === OPENS || letter === CLOSES) return at;
    if (letter === QUOTE) at = endOfString(json, at);
  }
  return json.length;
}

/** The objects of a JSON array, each as it is written. */
function* objectsIn(json: string): Generator<string> {
  let depth = 0;
  let begin = 0;
  for (let at = nextBrace(json, 0); at < json.length; at = nextBrace(json, at + 1)) {
    if (depth === 0) begin = at;
    depth += json.charCodeAt(at) === OPENS ? 1 : -1;
    if (depth === 0) yield json.slice(begin, at + 1);
  }
  if (depth !== 0 || !isList(json)) throw new SyntaxError('no list of datasets');
}

/**
 * The datasets of a series. Images hold together what is the same in all of them, which
 * is most of their headers. They are read one by one: all at once they are megabytes,
 * which lie there long after, for V8 takes what a long text makes for old.
 *
 * @param json a list of datasets (PS3.18 F.2).
 * @throws SyntaxError for anything else.
 */
export function readAlike(json: string): readonly Dataset[] {
  const datasets: Record<string, Attribute>[] = [];
  for (const text of objectsIn(json)) {
    const one = JSON.parse(text) as Record<string, Attribute>;
    const [model] = datasets;
    datasets.push(one);
    if (!model) continue;
    for (const tag in one) {
      const shared = model[tag];
      if (shared && sameValue(one[tag], shared)) one[tag] = shared;
    }
  }
  return datasets;
}

/** Spacing and what it rests on: calibrated pixels, the detector, or nothing known. */
export interface Spacing {
  /** mm between columns and between rows. */
  readonly column: number;
  readonly row: number;
  readonly source: 'patient' | 'detector' | 'none';
  /** Scales that hold in parts of the image, and nowhere else. */
  readonly regions?: readonly ScaledRegion[];
}

/** Units of PhysicalDeltaX/Y in which 3 means centimetres. */
const CENTIMETRES = 3;

/** Millimetres of a region whose two axes are lengths. */
function regionSpacing(region: Dataset): ScaledRegion['spacing'] {
  const axes = ['00186024', '00186026'].map((tag) => number(region, tag));
  const x = number(region, '0018602C');
  const y = number(region, '0018602E');
  if (!x || !y || axes.some((unit) => unit !== CENTIMETRES)) return null;
  return { column: Math.abs(x) * 10, row: Math.abs(y) * 10 };
}

function regionOf(region: Dataset): ScaledRegion | null {
  const [x0, y0, x1, y1] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) =>
    number(region, tag),
  );
  if (x0 == null || y0 == null || x1 == null || y1 == null) return null;
  const priority = (number(region, '00186016') ?? 0) & 1;
  return { x0, y0, x1, y1, spacing: regionSpacing(region), priority };
}

/** Regions of an ultrasound image; what scale they share is shown for all of it. */
function ultrasoundSpacing(dataset: Dataset): Spacing | null {
  const regions = items(dataset, '00186011').flatMap((one) => regionOf(one) ?? []);
  const scaled = regions.filter(({ spacing }) => spacing !== null);
  if (scaled.length === 0) return null;
  const shared = sharedSpacing(scaled);
  return shared
    ? { ...shared, source: 'patient', regions }
    : { column: 1, row: 1, source: 'none', regions };
}

function pairSpacing(dataset: Dataset, tag: string, source: Spacing['source']) {
  const [row, column] = numbers(dataset, tag);
  return row && column && row > 0 && column > 0 ? { row, column, source } : null;
}

/**
 * A projection's Pixel Spacing that only repeats the detector's, with no word of a
 * calibration, is the detector's: the patient was magnified onto it (PS3.3 10.7.1.3).
 */
function statedSpacing(dataset: Dataset): Spacing | null {
  const stated = pairSpacing(dataset, '00280030', 'patient');
  const detector = pairSpacing(dataset, '00181164', 'detector');
  if (!stated || !detector || text(dataset, '00280A02') !== '') return stated;
  const near = (a: number, b: number) => Math.abs(a - b) <= 1e-3 * b;
  const same = near(stated.row, detector.row) && near(stated.column, detector.column);
  return same ? detector : stated;
}

export function spacingOf(dataset: Dataset): Spacing {
  const aspect = numbers(dataset, '00280034');
  const tall = (aspect[0] ?? 1) / (aspect[1] || 1);
  return (
    statedSpacing(dataset) ??
    ultrasoundSpacing(dataset) ??
    pairSpacing(dataset, '00181164', 'detector') ??
    pairSpacing(dataset, '00182010', 'detector') ?? {
      column: 1,
      row: tall,
      source: 'none',
    }
  );
}

const asVector = (values: readonly number[]): Vector | null =>
  values.length === 3 ? [values[0] ?? 0, values[1] ?? 0, values[2] ?? 0] : null;

/** The image's plane; without position or orientation, a plane of its own at `index`. */
export function planeOf(
  dataset: Dataset,
  index: number,
): { plane: Plane; real: boolean } {
  const cosines = numbers(dataset, '00200037');
  const row = asVector(cosines.slice(0, 3));
  const column = asVector(cosines.slice(3, 6));
  const origin = asVector(numbers(dataset, '00200032'));
  const spacing = spacingOf(dataset);
  const real = row !== null && column !== null && origin !== null;
  return {
    real,
    plane: {
      origin: real && origin ? origin : [0, 0, index],
      row: real && row ? row : [1, 0, 0],
      column: real && column ? column : [0, 1, 0],
      columnSpacing: spacing.column,
      rowSpacing: spacing.row,
    },
  };
}

/** Letters of the image's row and column directions; empty when the image says neither. */
export function directionsOf(dataset: Dataset): { row: string; column: string } {
  const { plane, real } = planeOf(dataset, 0);
  if (real) return { row: lettersOf(plane.row), column: lettersOf(plane.column) };
  const stated = dataset['00200020']?.Value ?? [];
  const [row, column] = stated.map((value) => String(value));
  return { row: row ?? '', column: column ?? '' };
}

/** Entries of a table as numbers, however the header was written down. */
function entriesOf(item: Dataset, count: number): Uint8Array | Uint16Array | null {
  const listed = numbers(item, '00283006');
  if (listed.length >= count) return Uint16Array.from(listed.slice(0, count));
  const encoded = item['00283006']?.InlineBinary;
  if (encoded === undefined) return null;
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  if (bytes.length >= count * 2) return new Uint16Array(bytes.buffer, 0, count);
  return bytes.length >= count ? bytes.subarray(0, count) : null;
}

/**
 * The first table of a sequence of lookup tables; null when there is none that is whole.
 *
 * @param signed whether the values that it is asked for may be negative.
 */
export function tableOf(dataset: Dataset, tag: string, signed: boolean): Table | null {
  const item = items(dataset, tag)[0];
  const [stated, first, bits = 16] = item ? numbers(item, '00283002') : [];
  if (!item || stated === undefined || first === undefined) return null;
  const values = entriesOf(item, stated === 0 ? 65_536 : stated);
  // Writers of signed data put the first value as two bytes without a sign.
  const from = signed && first > 32_767 ? first - 65_536 : first;
  return values ? { first: from, values, bits } : null;
}

/** Whether values after the modality's rescale may be negative. */
export function mayBeNegative(dataset: Dataset): boolean {
  const signed = number(dataset, '00280103') === 1;
  return '00283000' in dataset ? false : signed || (number(dataset, '00281052') ?? 0) < 0;
}

/** A window that VOI LUT data stand for: the values that the table spans. */
function lutWindow(dataset: Dataset): { center: number; width: number } | null {
  const lut = items(dataset, '00283010')[0];
  const [count, stated] = lut ? numbers(lut, '00283002') : [];
  if (count === undefined || stated === undefined) return null;
  const start = mayBeNegative(dataset) && stated > 32_767 ? stated - 65_536 : stated;
  const width = count === 0 ? 65_536 : count;
  return { center: start + width / 2, width };
}

export interface VoiWindow {
  readonly centers: readonly number[];
  readonly widths: readonly number[];
}

export function voiOf(dataset: Dataset): VoiWindow {
  const centers = numbers(dataset, '00281050');
  const widths = numbers(dataset, '00281051').filter((width) => width > 0);
  if (centers.length > 0 && widths.length > 0) return { centers, widths };
  const lut = lutWindow(dataset);
  return lut
    ? { centers: [lut.center], widths: [lut.width] }
    : { centers: [], widths: [] };
}

/** A palette table of 8- or 16-bit entries; undefined when the dataset has none. */
export function paletteOf(
  dataset: Dataset,
  tag: string,
  descriptor: readonly number[],
): Uint8Array | Uint16Array | undefined {
  const listed = numbers(dataset, tag);
  if (listed.length > 0) return Uint16Array.from(listed);
  const encoded = dataset[tag]?.InlineBinary;
  if (encoded === undefined) return undefined;
  const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  const entries = descriptor[0] === 0 ? 65_536 : (descriptor[0] ?? 0);
  if (bytes.length >= entries * 2) return new Uint16Array(bytes.buffer, 0, entries);
  return bytes;
}

const PALETTES = ['00281201', '00281202', '00281203'] as const;

/** In words, why a frame cannot be drawn; null when nothing is known against it. */
export function undrawable(dataset: Dataset): string | null {
  if (!number(dataset, '00280010') || !number(dataset, '00280011')) {
    return 'it states no rows and columns';
  }
  const palette = text(dataset, '00280004') === 'PALETTE COLOR';
  if (palette && PALETTES.some((tag) => !paletteOf(dataset, tag, [0]))) {
    return 'its colour table is missing';
  }
  return null;
}

const LOSSY = new Set([
  '1.2.840.10008.1.2.4.50',
  '1.2.840.10008.1.2.4.51',
  '1.2.840.10008.1.2.4.81',
  '1.2.840.10008.1.2.4.91',
  '1.2.840.10008.1.2.4.203',
]);

/** Whether the pixels went through a lossy step, at the source or in the pack. */
export function isLossy(dataset: Dataset, transferSyntax: string): boolean {
  return text(dataset, '00282110') === '01' || LOSSY.has(transferSyntax);
}
