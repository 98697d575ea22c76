import { useRef } from 'react';
import { create } from 'zustand';
import type { Id } from '@/domain/model';

/**
 * How long after a button was let go the list still holds still: the second click of a
 * double click comes within it (500 ms where systems leave it as it was).
 */
export const DOUBLE_CLICK_MS = 500;

/** What a hand on the list does: while it does, nothing moves under the pointer. */
export interface PressState {
  /** A button is down over the list, or was until just now. */
  readonly pressed: boolean;
  /** The row under the first button of a click or double click. */
  readonly first: Id | null;
}

export const usePress = create<PressState>(() => ({ pressed: false, first: null }));

const set = usePress.setState;
let isDown = false;
let timer: ReturnType<typeof setTimeout> | undefined;

/** A button goes down somewhere over the list. */
export function press(): void {
  isDown = true;
  clearTimeout(timer);
  set({ pressed: true });
}

/** The button was let go: a second click may follow. */
export function lift(): void {
  if (!isDown) return;
  isDown = false;
  clearTimeout(timer);
  timer = setTimeout(letGo, DOUBLE_CLICK_MS);
}

/** No second click is awaited any more: a key was struck, or the list was scrolled. */
export function moveOn(): void {
  if (!isDown) letGo();
}

/** The press is over, whatever it was: the list is left. */
export function letGo(): void {
  isDown = false;
  clearTimeout(timer);
  if (usePress.getState().pressed) set({ pressed: false });
}

/**
 * A button goes down on a row.
 *
 * @param clicks - which click of a row of clicks it is, 1 for the first
 */
export function pressRow(id: Id, clicks: number): void {
  if (clicks <= 1) set({ first: id });
}

/** Whether a double click that ends on a row began on it as well. */
export function beganOn(id: Id): boolean {
  return usePress.getState().first === id;
}

/** Returns a value as it was when the press began, for as long as it lasts. */
export function useStill<T>(value: T): T {
  const pressed = usePress((state) => state.pressed);
  const kept = useRef(value);
  if (!pressed) kept.current = value;
  return kept.current;
}
