/** How fast a stack plays: by what its frames say, else by a plain rate. */
export interface CineFacts {
  /** ms, Frame Time. */
  readonly frameTime: number | null;
  /** ms to each frame from the one before, Frame Time Vector; the first one is 0. */
  readonly vector: readonly number[];
  readonly recommendedRate: number | null;
  readonly cineRate: number | null;
}

export interface CinePace {
  readonly fps: number;
  /** ms that each frame stays, where they differ. */
  readonly each: readonly number[] | null;
  /** Said by the images themselves. */
  readonly stated: boolean;
}

export const PLAIN_FPS = 10;
export const LEAST_FPS = 1;
export const MOST_FPS = 60;

const sound = (value: number | null): value is number => value !== null && value > 0;

const within = (fps: number) =>
  Math.min(MOST_FPS, Math.max(LEAST_FPS, Math.round(fps * 10) / 10));

/** Frames last until the next one's time; the last one as long as they do on average. */
function lastings(vector: readonly number[], count: number): readonly number[] | null {
  const steps = vector.slice(1, count);
  if (vector.length !== count || count < 2 || steps.some((step) => !(step > 0))) {
    return null;
  }
  const mean = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  return [...steps, mean];
}

/** The pace of a stack of `count` frames. */
export function paceOf(facts: CineFacts, count: number): CinePace {
  const each = lastings(facts.vector, count);
  if (each) {
    const mean = each.reduce((sum, one) => sum + one, 0) / each.length;
    return { fps: within(1000 / mean), each, stated: true };
  }
  if (sound(facts.frameTime)) {
    return { fps: within(1000 / facts.frameTime), each: null, stated: true };
  }
  const rate = sound(facts.recommendedRate) ? facts.recommendedRate : facts.cineRate;
  return sound(rate)
    ? { fps: within(rate), each: null, stated: true }
    : { fps: PLAIN_FPS, each: null, stated: false };
}

/** How long a frame stays at a chosen rate: the stated rhythm, faster or slower. */
export function lasting(pace: CinePace, frame: number, fps: number): number {
  const own = pace.each?.[frame];
  return own === undefined ? 1000 / fps : own * (pace.fps / fps);
}
