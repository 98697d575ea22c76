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
