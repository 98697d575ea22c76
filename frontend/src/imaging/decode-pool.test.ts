import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Dataset } from './dataset';
import { forgetAll } from './forget';
import type { ImageRef } from './pack';

const JPEG_LS = '1.2.840.10008.1.2.4.80';

const ref = (change: Record<string, readonly unknown[]>, transferSyntax = JPEG_LS) => {
  const values = {
    '00280002': [1],
    '00280004': ['MONOCHROME2'],
    '00280010': [2],
    '00280100': [16],
    ...change,
  };
  const dataset: Dataset = Object.fromEntries(
    Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]),
  );
  return { dataset, transferSyntax } as unknown as ImageRef;
};

describe('what our threads decode', () => {
  let isOurs: (image: ImageRef) => boolean;
  let threadsFor: (bytes: number, most: number) => number;
  beforeAll(async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    ({ isOurs, threadsFor } = await import('./decode-pool'));
  });

  it('is shared out only where there is much of it', () => {
    const mb = 1024 ** 2;
    expect([0, 25, 40, 75, 900].map((n) => threadsFor(n * mb, 6))).toEqual([
      1, 1, 2, 3, 6,
    ]);
  });

  it('is grey, of one or two bytes, in a syntax that they know', () => {
    expect(isOurs(ref({}))).toBe(true);
    expect(isOurs(ref({ '00280100': [8] }))).toBe(true);
    expect(isOurs(ref({ '00280100': [32] }))).toBe(false);
    expect(isOurs(ref({ '00280002': [3], '00280004': ['RGB'] }))).toBe(false);
    expect(isOurs(ref({ '00280004': ['PALETTE COLOR'] }))).toBe(false);
    expect(isOurs(ref({}, '1.2.840.10008.1.2.4.110'))).toBe(false);
  });
});

describe('the frame of an early picture', () => {
  const frame = { values: new Uint8Array(4), min: 0, max: 0, padding: null };
  const asked: unknown[] = [];
  class Decoder extends EventTarget {
    static fails = false;
    postMessage({ id, url }: { id: number; url: string }): void {
      asked.push(url);
      const answer = Decoder.fails
        ? { id, error: '', kind: 'preparing' }
        : { id, made: { ...frame } };
      queueMicrotask(() =>
        this.dispatchEvent(new MessageEvent('message', { data: answer })),
      );
    }
    terminate(): void {}
  }
  const image = (name: string) => ({ ...ref({}), imageId: name, url: name }) as ImageRef;
  let pool: typeof import('./decode-pool');
  beforeAll(async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    vi.stubGlobal('Worker', Decoder);
    pool = await import('./decode-pool');
  });
  beforeEach(() => {
    asked.length = 0;
    Decoder.fails = false;
  });

  it('is the image that is asked for next, decoded once', async () => {
    const early = await pool.readEarly(image('a'));
    expect(await pool.readGrey(image('a'))).toBe(early);
    expect(asked).toEqual(['a']);
    // Who asks once more has forgotten the image: nothing is kept here.
    expect(await pool.readGrey(image('a'))).not.toBe(early);
    expect(asked).toEqual(['a', 'a']);
  });

  it('is not taken for another image, nor after another picture or the session', async () => {
    await pool.readEarly(image('a'));
    await pool.readGrey(image('b'));
    await pool.readEarly(image('c'));
    await pool.readGrey(image('a'));
    forgetAll();
    await pool.readGrey(image('c'));
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'c']);
  });

  it('is asked for again when it could not be had', async () => {
    Decoder.fails = true;
    await expect(pool.readEarly(image('a'))).rejects.toThrow('preparing');
    Decoder.fails = false;
    await pool.readGrey(image('a'));
    expect(asked).toEqual(['a', 'a']);
  });
});

describe('a decoder that ends', () => {
  class Ending extends EventTarget {
    static says = '';
    postMessage(): void {
      const event = new Event('error');
      const { says } = Ending;
      if (says !== '') Object.assign(event, { message: says });
      queueMicrotask(() => this.dispatchEvent(event));
    }
    terminate(): void {}
  }
  let pool: typeof import('./decode-pool');
  beforeAll(async () => {
    vi.resetModules();
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    vi.stubGlobal('Worker', Ending);
    pool = await import('./decode-pool');
  });
  const image = { ...ref({}), imageId: 'a', url: 'a' } as ImageRef;

  it('for want of its code is no connection: the image is asked for again', async () => {
    Ending.says = '';
    await expect(pool.readGrey(image)).rejects.toMatchObject({ kind: 'offline' });
  });

  it('of itself is a defect', async () => {
    Ending.says = 'RuntimeError: unreachable';
    await expect(pool.readGrey(image)).rejects.toThrow('the decoder ended');
  });
});

describe('a thread', () => {
  const made = { values: new Uint8Array(4), min: 0, max: 0, padding: null };
  const alive = new Set<Slow>();
  /** Answers when it is told to. */
  class Slow extends EventTarget {
    readonly tasks: number[] = [];
    constructor() {
      super();
      alive.add(this);
    }
    postMessage(words: { id?: number }): void {
      if (words.id !== undefined) this.tasks.push(words.id);
    }
    answer(): void {
      const data = { id: this.tasks.shift(), made };
      this.dispatchEvent(new MessageEvent('message', { data }));
    }
    terminate(): void {
      alive.delete(this);
    }
  }
  let pool: typeof import('./decode-pool');
  beforeEach(async () => {
    vi.useFakeTimers();
    alive.clear();
    vi.resetModules();
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    vi.stubGlobal('Worker', Slow);
    pool = await import('./decode-pool');
  });
  afterEach(() => vi.useRealTimers());
  const image = (name: string) => ({ ...ref({}), imageId: name, url: name }) as ImageRef;
  const only = () => [...alive][0] as Slow;

  it('is ended soon after the last frame of what is shown, and made anew', async () => {
    pool.expectSeries('1.2', 1000);
    const frames = [pool.readGrey(image('a')), pool.readGrey(image('b'))];
    only().answer();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(alive.size).toBe(1);
    only().answer();
    await Promise.all(frames);
    await vi.advanceTimersByTimeAsync(2000);
    expect(alive.size).toBe(0);
    const again = pool.readGrey(image('c'));
    only().answer();
    await expect(again).resolves.toMatchObject({ max: 0 });
  });

  it('waits for the series after the early picture, and not for ever', async () => {
    pool.warmDecoder('1.2.840.10008.1.2.4.80');
    const early = pool.readEarly(image('a'));
    only().answer();
    await early;
    await vi.advanceTimersByTimeAsync(5000);
    expect(alive.size).toBe(1);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(alive.size).toBe(0);
  });
});
