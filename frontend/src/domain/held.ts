import type { Instant } from './model';
import { wordMinutes } from './wait';

/** How long until the next try, in words; null when it is due. */
export function untilRetry(at: Instant, now: number): string | null {
  const left = Date.parse(at) - now;
  return left > 0 ? wordMinutes(Math.ceil(left / 60_000)) : null;
}
