/** A grey-scale window: width and level in the image's own units (HU for CT). */
export interface GreyWindow {
  readonly width: number;
  readonly level: number;
}

/** Grey values that a window shows as black and as white. */
export interface GreyRange {
  readonly lower: number;
  readonly upper: number;
}

/** DICOM's LINEAR function (PS3.3 C.11.2.1.2): black and white of a window. */
export function rangeOf({ width, level }: GreyWindow): GreyRange {
  const half = (width - 1) / 2;
  return { lower: level - 0.5 - half, upper: level - 0.5 + half };
}

/** The inverse of `rangeOf`. */
export function windowOf({ lower, upper }: GreyRange): GreyWindow {
  return { width: upper - lower + 1, level: (lower + upper) / 2 + 0.5 };
}

/** How grey follows from value in a window (PS3.3 C.11.2.1.2 and C.11.2.1.3). */
export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

/** A sigmoid leaves its window: so many widths of it are drawn, then it is black or white. */
const SIGMOID_SPAN = 4;
const SIGMOID_STEPS = 256;

/** Grey (0 to 1) at even steps of what `rangeBy` says of a sigmoid's window. */
export const SIGMOID_GREYS: readonly number[] = Array.from(
  { length: SIGMOID_STEPS + 1 },
  (_, n) => 1 / (1 + Math.exp(-4 * SIGMOID_SPAN * (n / SIGMOID_STEPS - 0.5))),
);

const spanOf = (by: VoiFunction) => (by === 'SIGMOID' ? SIGMOID_SPAN : 1);

/** The values between which a function's grey changes, for one of its windows. */
export function rangeBy(by: VoiFunction, window: GreyWindow): GreyRange {
  if (by === 'LINEAR') return rangeOf(window);
  const half = (window.width * spanOf(by)) / 2;
  return { lower: window.level - half, upper: window.level + half };
}

/** The inverse of `rangeBy`. */
export function windowBy(by: VoiFunction, range: GreyRange): GreyWindow {
  if (by === 'LINEAR') return windowOf(range);
  const { lower, upper } = range;
  return { width: (upper - lower) / spanOf(by), level: (lower + upper) / 2 };
}

/** A window said in another unit, of which one of the first is `factor`. */
export function inUnit({ width, level }: GreyWindow, factor: number): GreyWindow {
  return { width: width * factor, level: level * factor };
}

/** What the upper end of PET's range is multiplied by over a whole pane, dragged up. */
const PANE_TIMES = 4;

/**
 * PET's range after a drag: the upper end goes up, and the image fainter, as one drags
 * up. By a factor, so that it is as fine at SUV 2 as at 20 and needs no unit.
 *
 * @param down - How far the pointer went down, as a part of the pane's height.
 */
export function draggedUptake({ lower, upper }: GreyRange, down: number): GreyRange {
  return { lower, upper: lower + (upper - lower) * PANE_TIMES ** -down };
}
