import type { Instant } from './model';

/**
 * Orders two UTC instants exactly, to the microsecond that `Date` would lose.
 *
 * @returns negative when `a` is earlier, 0 when they are the same, else positive.
 */
export function compareInstants(a: Instant, b: Instant): number {
  const whole = Math.floor(Date.parse(a) / 1000) - Math.floor(Date.parse(b) / 1000);
  return whole !== 0 ? whole : fraction(a) - fraction(b);
}

/** Fraction of the second in nanoseconds, 0 to 999 999 999. */
function fraction(at: Instant): number {
  const digits = /\.(\d+)/.exec(at)?.[1] ?? '';
  return Number(digits.padEnd(9, '0').slice(0, 9));
}

/** Milliseconds from `from` to `now` (both in the portal's clock); negative if ahead. */
export function elapsed(from: Instant, now: number): number {
  return now - Date.parse(from);
}
