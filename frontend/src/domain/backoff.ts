/**
 * How long to wait before try number `attempt` (0 first): doubling from `base` to `top`
 * milliseconds, spread by up to a quarter so that many browsers do not return at once.
 *
 * @param chance a number in [0, 1), from the caller's source of chance.
 */
export function backOff(
  attempt: number,
  chance: number,
  base = 500,
  top = 15_000,
): number {
  const plain = Math.min(top, base * 2 ** Math.min(attempt, 20));
  return Math.round(plain * (0.75 + 0.5 * chance));
}

/** Indices of a series, nearest to `from` first, what lies ahead before what lies behind. */
export function nearestFirst(count: number, from: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index).sort(
    (p, q) => distance(p, from) - distance(q, from),
  );
}

const distance = (index: number, from: number) =>
  index >= from ? index - from : (from - index) * 1.5 + 0.25;
