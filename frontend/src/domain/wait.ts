import { elapsed } from './instants';
import type { Instant } from './model';

const MINUTE = 60_000;

/** How an item's wait stands against its deadline. */
export interface Wait {
  /** Whole minutes since arrival. */
  readonly minutes: number;
  /** Minutes that the band allows. */
  readonly allowed: number;
  /** Minutes past the deadline; 0 when it is not past. */
  readonly over: number;
  /** Share of the allowance that is used, 0 to 1. */
  readonly share: number;
  readonly state: 'fine' | 'near' | 'over';
}

/** From this share of the allowance on, the wait is shown as close to its deadline. */
const NEAR = 0.5;

export function measureWait(arrived: Instant, deadline: Instant, now: number): Wait {
  const waited = Math.max(0, elapsed(arrived, now));
  const allowed = Math.max(MINUTE, Date.parse(deadline) - Date.parse(arrived));
  const late = now - Date.parse(deadline);
  const state = late >= 0 ? 'over' : waited / allowed >= NEAR ? 'near' : 'fine';
  return {
    minutes: Math.floor(waited / MINUTE),
    allowed: Math.round(allowed / MINUTE),
    over: late >= 0 ? Math.floor(late / MINUTE) : 0,
    share: Math.min(1, waited / allowed),
    state,
  };
}

/** Minutes in words: `12 min`, `1 h 04`, `8 h`, `3 d 4 h`. */
export function wordMinutes(minutes: number): string {
  const whole = Math.max(0, Math.round(minutes));
  if (whole < 60) return `${whole} min`;
  const hours = Math.floor(whole / 60);
  if (hours >= 48) {
    const rest = hours % 24;
    return rest === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${rest} h`;
  }
  const rest = whole % 60;
  return rest === 0 ? `${hours} h` : `${hours} h ${String(rest).padStart(2, '0')}`;
}

/** How long ago, for states of saving and leases: `2 s`, `3 min`, `1 h 04`. */
export function wordAgo(from: Instant, now: number): string {
  const ms = Math.max(0, elapsed(from, now));
  return ms < MINUTE
    ? `${Math.floor(ms / 1000)} s`
    : wordMinutes(Math.floor(ms / MINUTE));
}
