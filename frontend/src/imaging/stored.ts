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

/** Values from `low` to `high`, both ends included. */
export interface Span {
  readonly low: number;
  readonly high: number;
}

/** One decoded grey frame, in the image's own units (HU for CT). */
export interface GreyFrame {
  readonly values: GreyArray;
  /** Least and greatest value that is no padding. */
  readonly min: number;
  readonly max: number;
  /** Which of the values are padding: no part of the image. */
  readonly padding: Span | null;
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
  /** Stored values that stand for no image (Pixel Padding Value, Range Limit). */
  readonly padding: Span | null;
  /** Greater values are darker (MONOCHROME1). */
  readonly inverted: boolean;
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

/**
 * Whether padding behind a table needs a value that the table does not have: black is
 * the least one, which a pixel of the image may have as well.
 */
const needsRoom = ({ table, padding, inverted }: StoredFacts) =>
  table !== null && padding !== null && !inverted && table.values.includes(0);

const isWhole = ({ slope, intercept, table }: StoredFacts) =>
  table !== null || (Number.isInteger(slope) && Number.isInteger(intercept));

/** The kind of array of 16 bits that holds all values; null where none does. */
function sixteenBits(facts: StoredFacts): Made | null {
  if (!isWhole(facts) || needsRoom(facts)) return null;
  const { low, high } = boundsOf(facts);
  if (low >= 0) return high <= 65_535 ? Uint16Array : null;
  return low >= -32_768 && high <= 32_767 ? Int16Array : null;
}

/** Padding after the rescale, as the array holds it. Behind a table no value tells it. */
function paddingOf({ padding, slope, intercept, table }: StoredFacts, to: GreyArray) {
  if (padding === null || table !== null) return null;
  const held = (raw: number) => {
    const value = raw * slope + intercept;
    return to instanceof Float32Array ? Math.fround(value) : value;
  };
  const ends = [held(padding.low), held(padding.high)];
  return { low: Math.min(...ends), high: Math.max(...ends) };
}

/** Least and greatest value of a kind of array that is drawn black at any window. */
function extremesOf(values: GreyArray): Span {
  if (values instanceof Float32Array) return { low: -1e9, high: 1e9 };
  if (values instanceof Int16Array) return { low: -32_768, high: 32_767 };
  return { low: 0, high: values instanceof Uint8Array ? 255 : 65_535 };
}

const isIn = (value: number, { low, high }: Span) => value >= low && value <= high;

/** Least and greatest of the values that are no padding; null when all are. */
function rangeBeside(values: GreyArray, padding: Span): Span | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (isIn(value, padding)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : null;
}

/** The darkest value that there is, for padding in an image of this range. */
function blackOf(values: GreyArray, range: Span, inverted: boolean) {
  const extremes = extremesOf(values);
  const black = inverted ? extremes.high : extremes.low;
  // A pixel of the image may have the value itself: then the two cannot be told apart.
  return { black, apart: !isIn(black, range) };
}

/**
 * A frame whose padding is known. Padding is background, which is black: where its value
 * is brighter than that of the darkest pixel it is written anew.
 */
function withPadding(frame: GreyFrame, padding: Span, inverted: boolean): GreyFrame {
  const { values } = frame;
  const some = values.some((value) => isIn(value, padding));
  const range = some ? rangeBeside(values, padding) : null;
  // What is padding all over says nothing by it.
  if (range === null) return frame;
  const [min, max] = [range.low, range.high];
  const isDark = inverted ? padding.low > max : padding.high < min;
  if (isDark) return { values, min, max, padding };
  const { black, apart } = blackOf(values, range, inverted);
  values.forEach((value, at) => {
    if (isIn(value, padding)) values[at] = black;
  });
  return { values, min, max, padding: apart ? { low: black, high: black } : null };
}

/** Whether the values are the stored ones, or those and a whole number. */
const isShifted = (
  from: Integers,
  { bits, signed, slope, intercept, table }: StoredFacts,
) =>
  (!signed || bits === 8 * from.BYTES_PER_ELEMENT) &&
  signed === (from instanceof Int16Array || from instanceof Int8Array) &&
  slope === 1 &&
  Number.isInteger(intercept) &&
  table === null;

/** The usual CT and MR, by whole numbers alone: half the work. */
function shifted(from: Integers, to: GreyArray, by: number): GreyFrame {
  let low = from[0] as number;
  let high = low;
  for (let i = 0; i < from.length; i += 1) {
    const value = from[i] as number;
    if (value < low) low = value;
    else if (value > high) high = value;
    to[i] = value + by;
  }
  return { values: to, min: low + by, max: high + by, padding: null };
}

function convert(from: Integers, to: GreyArray, facts: StoredFacts): GreyFrame {
  const frame =
    from.length > 0 && isShifted(from, facts)
      ? shifted(from, to, facts.intercept)
      : rescaled(from, to, facts);
  if (facts.table) return frame;
  const padding = paddingOf(facts, frame.values);
  return padding ? withPadding(frame, padding, facts.inverted) : frame;
}

function rescaled(from: Integers, to: GreyArray, facts: StoredFacts): GreyFrame {
  const { bits, signed, slope, intercept, table } = facts;
  if (table) return lookedUp(from, to, { ...facts, table });
  const shift = signed ? 32 - bits : 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < to.length; i += 1) {
    const value = (((from[i] ?? 0) << shift) >> shift) * slope + intercept;
    to[i] = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { values: to, min, max, padding: null };
}

const rawOf = (value: number, { bits, signed }: StoredFacts) => {
  const shift = signed ? 32 - bits : 0;
  return (value << shift) >> shift;
};

/** Places of stored padding, in their order. */
function paddedIn(from: Integers, facts: StoredFacts): readonly number[] {
  const { padding } = facts;
  const places: number[] = [];
  if (padding === null) return places;
  from.forEach((value, at) => {
    if (isIn(rawOf(value, facts), padding)) places.push(at);
  });
  return places;
}

/** By a table. What is padding is known by the stored values alone. */
function lookedUp(
  from: Integers,
  to: GreyArray,
  facts: StoredFacts & { readonly table: Table },
): GreyFrame {
  // `to` may be the same memory: what is asked of stored values is asked before.
  const padded = paddedIn(from, facts);
  for (let i = 0; i < to.length; i += 1) {
    to[i] = lookUp(facts.table, rawOf(from[i] ?? 0, facts));
  }
  // What is padding all over says nothing by it.
  if (padded.length === 0 || padded.length === to.length) return unpadded(to);
  const first = padded.findIndex((place, at) => place !== at);
  const some = to[first < 0 ? padded.length : first] ?? 0;
  for (const place of padded) to[place] = some;
  const { min, max } = unpadded(to);
  const { black, apart } = blackOf(to, { low: min, high: max }, facts.inverted);
  for (const place of padded) to[place] = black;
  return { values: to, min, max, padding: apart ? { low: black, high: black } : null };
}

/** A frame without padding. */
function unpadded(values: GreyArray): GreyFrame {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { values, min, max, padding: null };
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

/** Gives memory back now, not when the rubbish is next collected. */
export function release(buffer: ArrayBufferLike): void {
  (buffer as { transfer?: (length: number) => unknown }).transfer?.(0);
}

/**
 * Values that can be handed to another thread, of as few bytes as the header allows.
 * Where the stored ones have memory of their own it becomes theirs, or is given back;
 * where they lie in a decoder's memory they are left there.
 */
export function apart(from: Integers, facts: StoredFacts): GreyFrame {
  const { low, high } = boundsOf(facts);
  // Padding needs a value that no pixel has.
  const small = isWhole(facts) && low >= 0 && high <= 255 && facts.padding === null;
  const Values: Made = small ? Uint8Array : (sixteenBits(facts) ?? Float32Array);
  const { buffer, byteLength, length } = from;
  const own = buffer.byteLength === byteLength;
  if (own && Values.BYTES_PER_ELEMENT === from.BYTES_PER_ELEMENT)
    return convert(from, new Values(buffer), facts);
  const made = convert(
    from,
    new Values(new ArrayBuffer(length * Values.BYTES_PER_ELEMENT)),
    facts,
  );
  if (own) release(buffer);
  return made;
}
