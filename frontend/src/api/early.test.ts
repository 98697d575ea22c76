import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askEarly, forgetEarly, isMissed, takeEarly } from './early';

describe('what was asked for early', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is taken once; then it is asked for again', async () => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return asked;
    };
    void askEarly('index', ask);
    expect(await takeEarly('index', ask)).toBe(1);
    expect(await takeEarly('index', ask)).toBe(2);
    expect(await takeEarly('other', ask)).toBe(3);
  });

  it('is not kept for later, nor for who comes after', async () => {
    void askEarly('lease', async () => 'old');
    vi.advanceTimersByTime(21_000);
    expect(await takeEarly('lease', async () => 'new')).toBe('new');
    void askEarly('lease', async () => 'old');
    forgetEarly();
    expect(await takeEarly('lease', async () => 'new')).toBe('new');
  });

  it('says what the application asked for itself, so that nothing is asked for twice', () => {
    void takeEarly('stack', async () => 1);
    expect([isMissed('stack'), isMissed('index')]).toEqual([true, false]);
    forgetEarly();
    expect(isMissed('stack')).toBe(false);
  });

  it('tells its failure to who waits for it, and is asked for anew by who does not', async () => {
    const fail = () => Promise.reject(new Error('leased'));
    void askEarly('lease', fail).catch(() => undefined);
    await expect(takeEarly('lease', async () => 'new')).rejects.toThrow('leased');
    await askEarly('lease', fail).catch(() => undefined);
    expect(await takeEarly('lease', async () => 'new')).toBe('new');
  });
});
