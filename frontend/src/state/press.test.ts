import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  beganOn,
  DOUBLE_CLICK_MS,
  letGo,
  lift,
  moveOn,
  press,
  pressRow,
  usePress,
} from './press';

const isPressed = () => usePress.getState().pressed;

beforeEach(() => {
  vi.useFakeTimers();
  usePress.setState(usePress.getInitialState());
});
afterEach(() => {
  letGo();
  vi.useRealTimers();
});

describe('a press on the list', () => {
  it('lasts while the button is down, and a double click longer', () => {
    expect(isPressed()).toBe(false);
    press();
    vi.advanceTimersByTime(60_000);
    expect(isPressed()).toBe(true);
    lift();
    vi.advanceTimersByTime(DOUBLE_CLICK_MS - 1);
    expect(isPressed()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(isPressed()).toBe(false);
  });

  it('begins anew with the second click', () => {
    press();
    lift();
    vi.advanceTimersByTime(DOUBLE_CLICK_MS - 1);
    press();
    vi.advanceTimersByTime(10 * DOUBLE_CLICK_MS);
    expect(isPressed()).toBe(true);
  });

  it('ends at once with a key, unless the button is down', () => {
    press();
    moveOn();
    expect(isPressed()).toBe(true);
    lift();
    moveOn();
    expect(isPressed()).toBe(false);
  });

  it('is not begun by a button that is let go over the list', () => {
    lift();
    vi.advanceTimersByTime(DOUBLE_CLICK_MS);
    expect(isPressed()).toBe(false);
  });
});

describe('a double click', () => {
  it('is of the row that was under its first click', () => {
    pressRow('a', 1);
    pressRow('a', 2);
    expect(beganOn('a')).toBe(true);
  });

  it('is of no row when another one came under the pointer', () => {
    pressRow('a', 1);
    pressRow('b', 2);
    expect(beganOn('b')).toBe(false);
  });

  it('of one row says nothing of the next', () => {
    pressRow('a', 1);
    pressRow('a', 2);
    pressRow('b', 1);
    expect(beganOn('a')).toBe(false);
    expect(beganOn('b')).toBe(true);
  });
});
