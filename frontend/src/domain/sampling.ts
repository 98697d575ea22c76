import { type Affine, invert } from './geometry';

/**
 * Drawing values of a grid as a graphics card does, on the processor: linear between the
 * samples, then from value to colour. Sample (i, j) is centred at column i, row j; the
 * image reaches half a sample beyond the outermost centres.
 */

export type Numbers =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

export interface Values {
  /** Row by row. */
  readonly data: Numbers;
  readonly columns: number;
  readonly rows: number;
}

/** Colours of the values from `low` to `high`; beyond them the last one holds. */
export interface Tones {
  /** As a canvas stores them, 0xAABBGGRR; evenly spaced. */
  readonly table: Uint32Array;
  readonly low: number;
  readonly high: number;
}

function lineOf(inverted: boolean): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    const grey = inverted ? 255 - n : n;
    return (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
  });
}

const RISING = lineOf(false);
const FALLING = lineOf(true);

/** The table of a straight line from black to white, or from white to black. */
export const straightTable = (inverted: boolean): Uint32Array =>
  inverted ? FALLING : RISING;

/** A canvas's pixels. */
export interface Screen {
  readonly pixels: Uint32Array;
  readonly width: number;
  readonly height: number;
}

export const BLACK = 0xff000000;
const STRAIGHT = 1e-9;

/** Of each place along one side of the screen, the sample before it and how far it is. */
interface Taps {
  readonly first: number;
  /** Exclusive. */
  readonly last: number;
  readonly before: Int32Array;
  readonly part: Float32Array;
}

/** @param at sample coordinate of the screen's first pixel centre; `by` from one to the next. */
function tapsOf(at: number, by: number, length: number, samples: number): Taps {
  const before = new Int32Array(length);
  const part = new Float32Array(length);
  let first = length;
  let last = 0;
  for (let n = 0; n < length; n += 1) {
    const place = at + by * n;
    if (place < -0.5 || place >= samples - 0.5) continue;
    const kept = Math.min(samples - 1, Math.max(0, place));
    before[n] = Math.floor(kept);
    part[n] = kept - Math.floor(kept);
    first = Math.min(first, n);
    last = n + 1;
  }
  return { first: Math.min(first, last), last, before, part };
}

/** One row between two rows of samples, for the samples from `from` to `to`. */
function blend(
  line: Float32Array,
  { data, columns, rows }: Values,
  row: { readonly before: number; readonly part: number },
  from: number,
  to: number,
): void {
  const above = row.before * columns;
  const below = Math.min(rows - 1, row.before + 1) * columns;
  const { part } = row;
  for (let i = from; i < to; i += 1) {
    const value = data[above + i] as number;
    line[i] = value + ((data[below + i] as number) - value) * part;
  }
  line[columns] = line[columns - 1] as number;
}

/** What a table's index is of a value: index = value · per + offset. */
function scaleOf({ table, low, high }: Tones) {
  const last = table.length - 1;
  const per = last / Math.max(1e-9, high - low);
  return { last, per, offset: 0.5 - low * per };
}

function paintRow(
  out: Uint32Array,
  at: number,
  line: Float32Array,
  { first, last: end, before, part }: Taps,
  tones: Tones,
): void {
  const { table } = tones;
  const { last, per, offset } = scaleOf(tones);
  for (let x = first; x < end; x += 1) {
    const i = before[x] as number;
    const value = line[i] as number;
    const between = value + ((line[i + 1] as number) - value) * (part[x] as number);
    const index = between * per + offset;
    out[at + x] = table[index <= 0 ? 0 : index >= last ? last : index | 0] as number;
  }
}

/** The usual case: the image's rows are rows of the screen, either way round. */
function drawStraight(screen: Screen, values: Values, back: Affine, tones: Tones): void {
  const { pixels, width, height } = screen;
  const { columns, rows } = values;
  const across = tapsOf(back.a / 2 + back.e, back.a, width, columns);
  const down = tapsOf(back.d / 2 + back.f, back.d, height, rows);
  pixels.fill(BLACK);
  if (across.first >= across.last) return;
  const ends = [across.before[across.first] ?? 0, across.before[across.last - 1] ?? 0];
  const from = Math.min(...ends);
  const to = Math.min(columns, Math.max(...ends) + 2);
  const line = new Float32Array(columns + 1);
  for (let y = down.first; y < down.last; y += 1) {
    const row = { before: down.before[y] as number, part: down.part[y] as number };
    blend(line, values, row, from, to);
    paintRow(pixels, y * width, line, across, tones);
  }
}

/** The value between four samples; the place lies within half a sample of the grid. */
function between({ data, columns, rows }: Values, u: number, v: number): number {
  const x = Math.min(columns - 1, Math.max(0, u));
  const y = Math.min(rows - 1, Math.max(0, v));
  const i = x | 0;
  const j = y | 0;
  const right = i + 1 < columns ? 1 : 0;
  const at = j * columns + i;
  const under = j + 1 < rows ? at + columns : at;
  const top = data[at] as number;
  const bottom = data[under] as number;
  const upper = top + ((data[at + right] as number) - top) * (x - i);
  const lower = bottom + ((data[under + right] as number) - bottom) * (x - i);
  return upper + (lower - upper) * (y - j);
}

/** One row of the screen through an image that lies turned. */
function paintTurned(
  out: Uint32Array,
  values: Values,
  from: { readonly u: number; readonly v: number; readonly by: Affine },
  tones: Tones,
): void {
  const { u: u0, v: v0, by } = from;
  const { table } = tones;
  const { last, per, offset } = scaleOf(tones);
  const [right, bottom] = [values.columns - 0.5, values.rows - 0.5];
  for (let x = 0; x < out.length; x += 1) {
    const u = u0 + by.a * (x + 0.5);
    const v = v0 + by.b * (x + 0.5);
    if (!(u >= -0.5 && u < right && v >= -0.5 && v < bottom)) continue;
    const index = between(values, u, v) * per + offset;
    out[x] = table[index <= 0 ? 0 : index >= last ? last : index | 0] as number;
  }
}

function drawTurned(screen: Screen, values: Values, back: Affine, tones: Tones): void {
  const { pixels, width, height } = screen;
  pixels.fill(BLACK);
  for (let y = 0; y < height; y += 1) {
    const u = back.c * (y + 0.5) + back.e;
    const v = back.d * (y + 0.5) + back.f;
    const row = pixels.subarray(y * width, (y + 1) * width);
    paintTurned(row, values, { u, v, by: back }, tones);
  }
}

/**
 * Draws values onto a screen; what lies beside them is black.
 *
 * @param map from sample coordinates (whole at centres) to the screen, whose first pixel
 *   reaches from 0 to 1.
 */
export function drawValues(
  screen: Screen,
  values: Values,
  map: Affine,
  tones: Tones,
): void {
  const back = invert(map);
  if (!back || values.columns < 1 || values.rows < 1) {
    screen.pixels.fill(BLACK);
    return;
  }
  const straight = Math.max(Math.abs(back.b), Math.abs(back.c)) < STRAIGHT;
  (straight ? drawStraight : drawTurned)(screen, values, back, tones);
}

/** Draws colours, three or four bytes a sample: each channel like values of its own. */
export function drawColours(
  screen: Screen,
  values: Values & { readonly channels: number },
  map: Affine,
  range: { readonly low: number; readonly high: number },
): void {
  const { columns, rows, channels, data } = values;
  const table = Uint32Array.from({ length: 4096 }, (_, n) =>
    Math.round((n / 4095) * 255),
  );
  const count = columns * rows;
  const plane = new Uint8Array(count);
  const part = { ...screen, pixels: new Uint32Array(screen.pixels.length) };
  screen.pixels.fill(BLACK);
  for (let channel = 0; channel < 3; channel += 1) {
    for (let n = 0; n < count; n += 1) plane[n] = data[n * channels + channel] as number;
    drawValues(part, { data: plane, columns, rows }, map, { table, ...range });
    for (let n = 0; n < part.pixels.length; n += 1) {
      const value = (part.pixels[n] as number) & 0xff;
      screen.pixels[n] = (screen.pixels[n] as number) | (value << (8 * channel));
    }
  }
}
