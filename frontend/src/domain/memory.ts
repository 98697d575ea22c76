/**
 * How much of decoded images this browser may hold. What is looked at longest ago goes
 * first; a study that is left goes at once, except the one that comes next.
 */
const MEGABYTE = 1024 ** 2;
export const DEFAULT_MEMORY_MB = 1536;
/** Less holds no CT; more than a tab of a browser can have. */
const LEAST_MB = 256;
const MOST_MB = 16_384;
/** Of the ceiling, what the study that comes next may take beforehand, */
const AHEAD_SHARE = 0.35;
/** and bytes: the beginning is looked at first, and nobody may ever open it. */
const MOST_AHEAD = 64 * MEGABYTE;
/** Of the ceiling, what stays free for the study on the screen. */
const SPARE_SHARE = 0.1;

const KEY = 'overread.memory-mb';

function stored(): string | null {
  try {
    return globalThis.localStorage?.getItem(KEY) ?? null;
  } catch {
    return null; // storage is forbidden here
  }
}

/** A stated number of megabytes, within what makes sense; the default for anything else. */
export function memoryMegabytes(stated: string | null): number {
  const value = Number.parseInt(stated ?? '', 10);
  if (!Number.isFinite(value)) return DEFAULT_MEMORY_MB;
  return Math.min(MOST_MB, Math.max(LEAST_MB, value));
}

export function chosenMegabytes(): number {
  return memoryMegabytes(stored());
}

/** Bytes. */
export function memoryCeiling(): number {
  return chosenMegabytes() * MEGABYTE;
}

export function chooseMegabytes(megabytes: number): void {
  try {
    globalThis.localStorage?.setItem(KEY, String(memoryMegabytes(`${megabytes}`)));
  } catch {
    // It then holds for this page only.
  }
}

/** How many images of the study that comes next may be brought in beforehand. */
export function countAhead(state: {
  readonly ceiling: number;
  readonly held: number;
  readonly bytesEach: number;
  readonly images: number;
}): number {
  const { ceiling, held, bytesEach, images } = state;
  const free = ceiling * (1 - SPARE_SHARE) - held;
  const budget = Math.min(ceiling * AHEAD_SHARE, MOST_AHEAD, free);
  return Math.max(0, Math.min(images, Math.floor(budget / Math.max(1, bytesEach))));
}
