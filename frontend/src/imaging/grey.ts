import type { GreyRange } from '@/domain/windows';
import { rangeOf } from '@/domain/windows';
import { type Dataset, number, numbers, tableOf, text, voiOf } from './dataset';
import { type GreyFrame, inPlace, type Span, type StoredFacts } from './stored';

/** Frames of this syntax are the pixels themselves, little endian. */
export const UNCOMPRESSED = '1.2.840.10008.1.2.1';

/** What the header says of its stored values; null when it makes no sense. */
export function storedOf(dataset: Dataset): StoredFacts | null {
  const slope = number(dataset, '00281053') ?? 1;
  const signed = number(dataset, '00280103') === 1;
  const table = tableOf(dataset, '00283000', signed);
  if (slope === 0 || ('00283000' in dataset && table === null)) return null;
  return {
    bits: number(dataset, '00280101') ?? 16,
    signed,
    slope,
    intercept: number(dataset, '00281052') ?? 0,
    table,
    padding: paddingOf(dataset, signed),
    inverted: text(dataset, '00280004') === 'MONOCHROME1',
  };
}

/** Stored values that the header calls padding (PS3.3 C.7.5.1.1.2); null: none. */
function paddingOf(dataset: Dataset, signed: boolean): Span | null {
  const value = number(dataset, '00280120');
  if (value === null) return null;
  const limit = number(dataset, '00280121') ?? value;
  // Writers of signed data put it as two bytes without a sign.
  const [a, b] = [value, limit].map((n) => (signed && n > 32_767 ? n - 65_536 : n));
  return { low: Math.min(a ?? 0, b ?? 0), high: Math.max(a ?? 0, b ?? 0) };
}

function stored(bytes: Uint8Array, signed: boolean, count: number) {
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
  const facts = storedOf(dataset);
  const count = (number(dataset, '00280010') ?? 0) * (number(dataset, '00280011') ?? 0);
  if (transferSyntax !== UNCOMPRESSED || !isGrey(dataset) || facts === null) return null;
  if (number(dataset, '00280100') !== 16 || bytes.length < count * 2) return null;
  if (count === 0) return null;
  // In place: a series of copies would be as much memory again until it is collected.
  return inPlace(stored(bytes, facts.signed, count), facts);
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
