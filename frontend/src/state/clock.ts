import { useSyncExternalStore } from 'react';

/**
 * One clock for all waiting times: the portal's time, corrected by every answer, ticking
 * each 15 s for all listeners at once.
 */
const TICK_MS = 15_000;

let offset = 0;
let shown = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Portal's time now, in ms since the epoch. */
export function portalNow(): number {
  return Date.now() + offset;
}

/** Takes the portal's word for the time (`now` of an answer or an event). */
export function setPortalNow(now: string): void {
  const measured = Date.parse(now) - Date.now();
  if (Number.isFinite(measured) && Math.abs(measured - offset) > 1000) offset = measured;
}

function tick(): void {
  shown = portalNow();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    shown = portalNow();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The portal's time, renewed every 15 s. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => shown);
}
