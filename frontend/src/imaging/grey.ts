import type { GreyRange } from '@/domain/windows';
import { rangeOf } from '@/domain/windows';
import { type Dataset, number, numbers, text, voiOf } from './dataset';

/** Frames of this syntax are the pixels themselves, little endian. */
const UNCOMPRESSED = '1.2.840.10008.1.2.1';

export type GreyArray = Uint8Array | Int16Array | Uint16Array;

/** One decoded grey frame, in the image's own units (HU for CT). */
export interface GreyFrame {
  readonly values: GreyArray;
  readonly min: number;
  readonly max: number;
}

interface Scale {
  readonly slope: number;
  readonly intercept: number;
}

/** Rescale slope and intercept, when they are whole numbers or not stated at all. */
function wholeScale(dataset: Dataset): Scale | null {
  const slope = number(dataset, '00281053') ?? 1;
  const intercept = number(dataset, '00281052') ?? 0;
  if (!Number.isInteger(slope) || !Number.isInteger(intercept)) return null;
  return slope === 0 || '00283000' in dataset ? null : { slope, intercept };
}

/** Least and greatest value that the header allows, after rescaling. */
function boundsOf(bits: number, signed: boolean, { slope, intercept }: Scale) {
  const ends = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const scaled = ends.map((value) => value * slope + intercept);
  return { low: Math.min(...scaled), high: Math.max(...scaled) };
}

type Made = new (buffer: ArrayBufferLike, offset: number, length: number) => GreyArray;

function arrayFor({ low, high }: { low: number; high: number }): Made | null {
  if (low >= 0) return high <= 65_535 ? Uint16Array : null;
  return low >= -32_768 && high <= 32_767 ? Int16Array : null;
}

function stored(bytes: Uint8Array, signed: boolean, count: number): GreyArray {
  const { buffer, byteOffset } = bytes;
  if (byteOffset % 2 !== 0) return stored(bytes.slice(), signed, count);
  return signed
    ? new Int16Array(buffer, byteOffset, count)
    : new Uint16Array(buffer, byteOffset, count);
}

const isGrey = (dataset: Dataset) =>
  (number(dataset, '00280002') ?? 1) === 1 &&
  text(dataset, '00280004').startsWith('MONOCHROME');

/**
 * An uncompressed grey frame of 16 bits, rescaled. Most CT and MR frames are such: they
 * need no decoder, and no way to another thread and back.
 *
 * @param bytes of the frame alone; they become the values, and are not to be used again.
 * @returns null when the frame is of another kind; a decoder must see to it.
 */
export function greyFrame(
  dataset: Dataset,
  transferSyntax: string,
  bytes: Uint8Array,
): GreyFrame | null {
  const bits = number(dataset, '00280101') ?? 16;
  const signed = number(dataset, '00280103') === 1;
  const scale = wholeScale(dataset);
  const count = (number(dataset, '00280010') ?? 0) * (number(dataset, '00280011') ?? 0);
  if (transferSyntax !== UNCOMPRESSED || !isGrey(dataset) || scale === null) return null;
  if (number(dataset, '00280100') !== 16 || bytes.length < count * 2) return null;
  const Values = arrayFor(boundsOf(bits, signed, scale));
  if (Values === null || count === 0) return null;
  // In place: a series of copies would be as much memory again until it is collected.
  const from = stored(bytes, signed, count);
  const to = new Values(from.buffer, from.byteOffset, count);
  return rescale(from, to, scale, { shift: signed ? 32 - bits : 0 });
}

function rescale(
  from: GreyArray,
  to: GreyArray,
  { slope, intercept }: Scale,
  { shift }: { shift: number },
): GreyFrame {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < to.length; i += 1) {
    const value = (((from[i] ?? 0) << shift) >> shift) * slope + intercept;
    to[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { values: to, min, max };
}

/** Which values are black and white at first: the image's own window, else all of it. */
export function firstRange(dataset: Dataset, frame: GreyFrame): GreyRange | null {
  const stated = text(dataset, '00281056');
  if (stated !== '' && stated !== 'LINEAR') return null;
  const { centers, widths } = voiOf(dataset);
  const [level] = centers;
  const [width] = widths;
  if (level !== undefined && width !== undefined) return rangeOf({ level, width });
  return { lower: frame.min, upper: frame.max };
}

/**
 * A frame's picture for a canvas, one pixel a pixel.
 *
 * @param columns how wide; the height follows.
 */
export function pictureOf(
  dataset: Dataset,
  frame: GreyFrame,
  range: GreyRange,
  columns: number,
): ImageData {
  const inverted = text(dataset, '00280004') === 'MONOCHROME1';
  const { values } = frame;
  const picture = new ImageData(columns, values.length / columns);
  const out = new Uint32Array(picture.data.buffer);
  const per = 255 / Math.max(1e-9, range.upper - range.lower);
  for (let i = 0; i < out.length; i += 1) {
    const at = ((values[i] ?? 0) - range.lower) * per;
    const level = at <= 0 ? 0 : at >= 255 ? 255 : Math.round(at);
    const grey = inverted ? 255 - level : level;
    out[i] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
  return picture;
}

/** Where an image lies in a pane: as large as fits, in the middle, as Cornerstone does. */
export function placeIn(
  pane: { readonly width: number; readonly height: number },
  image: { readonly rows: number; readonly columns: number },
  spacing: { readonly row: number; readonly column: number },
) {
  const wide = image.columns * spacing.column;
  const high = image.rows * spacing.row;
  const scale = Math.min(pane.width / wide, pane.height / high);
  const width = wide * scale;
  const height = high * scale;
  return {
    x: (pane.width - width) / 2,
    y: (pane.height - height) / 2,
    width,
    height,
  };
}

/** Whether the frame can be drawn before the imaging library is there. */
export function isPlainGrey(dataset: Dataset): boolean {
  return isGrey(dataset) && numbers(dataset, '00280010').length > 0;
}
