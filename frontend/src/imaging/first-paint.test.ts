import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { afterFirstPaint, holdForPaint } from './first-paint';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function isOpen(): Promise<boolean> {
  let opened = false;
  void afterFirstPaint().then(() => {
    opened = true;
  });
  await vi.advanceTimersByTimeAsync(0);
  return opened;
}

describe('the gate before heavy work', () => {
  it('is open, shut while an image is on its way, and open again', async () => {
    expect(await isOpen()).toBe(true);
    const release = holdForPaint(1000);
    expect(await isOpen()).toBe(false);
    release();
    expect(await isOpen()).toBe(true);
  });

  it('does not wait for ever', async () => {
    holdForPaint(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(await isOpen()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isOpen()).toBe(true);
  });

  it('belongs to the study opened last; who waited for an earlier one goes on', async () => {
    const first = holdForPaint(1000);
    const waiting = afterFirstPaint();
    holdForPaint(1000);
    await waiting;
    first();
    expect(await isOpen()).toBe(false);
  });
});
