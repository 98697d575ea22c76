/**
 * From stored values to values in the image's own units. Pure, and known to the page
 * and to the decoders' threads alike.
 */

export type GreyArray = Uint8Array | Int16Array | Uint16Array | Float32Array;
type Integers = Int8Array | Uint8Array | Int16Array | Uint16Array;
interface Made {
  new (buffer: ArrayBufferLike, offset?: number, length?: number): GreyArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** One decoded grey frame, in the image's own units (HU for CT). */
export interface GreyFrame {
  readonly values: GreyArray;
  readonly min: number;
  readonly max: number;
}

/** A lookup table of DICOM (PS3.3 C.11.1.1.1): entry 0 stands for the value `first`. */
export interface Table {
  readonly first: number;
  readonly values: Uint8Array | Uint16Array;
  /** Bits of an entry. */
  readonly bits: number;
}

/** What a header says of its stored values. */
export interface StoredFacts {
  readonly bits: number;
  readonly signed: boolean;
  readonly slope: number;
  readonly intercept: number;
  /** Instead of slope and intercept. */
  readonly table: Table | null;
}

/** A table's value for an input; beyond its ends, that of the end. */
export function lookUp({ first, values }: Table, input: number): number {
  const at = Math.min(values.length - 1, Math.max(0, Math.round(input) - first));
  return values[at] ?? 0;
}

/** Least and greatest value that the header allows. */
function boundsOf({ bits, signed, slope, intercept, table }: StoredFacts) {
  if (table) return { low: 0, high: 2 ** table.bits - 1 };
  const ends = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const scaled = ends.map((value) => value * slope + intercept);
  return { low: Math.min(...scaled), high: Math.max(...scaled) };
}

const isWhole = ({ slope, intercept, table }: StoredFacts) =>
  table !== null || (Number.isInteger(slope) && Number.isInteger(intercept));

/** The kind of array of 16 bits that holds all values; null where none does. */
function sixteenBits(facts: StoredFacts): Made | null {
  if (!isWhole(facts)) return null;
  const { low, high } = boundsOf(facts);
  if (low >= 0) return high <= 65_535 ? Uint16Array : null;
  return low >= -32_768 && high <= 32_767 ? Int16Array : null;
}

function convert(from: Integers, to: GreyArray, facts: StoredFacts): GreyFrame {
  const { bits, signed, slope, intercept, table } = facts;
  const shift = signed ? 32 - bits : 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < to.length; i += 1) {
    const raw = ((from[i] ?? 0) << shift) >> shift;
    const value = table ? lookUp(table, raw) : raw * slope + intercept;
    to[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { values: to, min, max };
}

/**
 * Values made in the memory that the stored ones lie in.
 *
 * @param from of 16 bits; not to be used again.
 * @returns null when the values need more room.
 */
export function inPlace(
  from: Int16Array | Uint16Array,
  facts: StoredFacts,
): GreyFrame | null {
  const Values = sixteenBits(facts);
  if (Values === null) return null;
  return convert(from, new Values(from.buffer, from.byteOffset, from.length), facts);
}

/** Values in memory of their own, of as few bytes as the header allows. */
export function apart(from: Integers, facts: StoredFacts): GreyFrame {
  const { low, high } = boundsOf(facts);
  const small = isWhole(facts) && low >= 0 && high <= 255;
  const Values = small ? Uint8Array : (sixteenBits(facts) ?? Float32Array);
  const bytes = new ArrayBuffer(from.length * Values.BYTES_PER_ELEMENT);
  return convert(from, new Values(bytes), facts);
}
