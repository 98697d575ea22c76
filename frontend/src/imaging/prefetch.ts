import { cache, imageLoader } from '@cornerstonejs/core';
import { backOff, nearestFirst } from '@/domain/backoff';
import type { Stack } from './pack';
import { PackError } from './part';
import { setLoaded } from './view-store';

const PARALLEL = 6;
/** Of the cache, what the series on the screen may fill together ahead of the reader. */
const SHARE = 0.85;

/** Of the series that are on the screen. What others left behind makes room for them. */
const active = new Set<Prefetcher>();

export interface PrefetchOptions {
  /** Goes on when the cache is nearly full: what nobody looked at longest makes room. */
  readonly makeRoom?: boolean;
  /** At most this many images, and nobody is told: the study is not on the screen. */
  readonly ahead?: number;
  /** An image that cannot come, however often it is asked for. */
  readonly onFailed?: (index: number) => void;
}

/** Brings a whole series in, what lies nearest to the reader first. */
export class Prefetcher {
  readonly #stack: Stack;
  readonly #wanted: Set<number>;
  readonly #options: PrefetchOptions;
  #around = 0;
  #running = 0;
  #failures = 0;
  #missing = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(stack: Stack, options: PrefetchOptions = {}) {
    this.#stack = stack;
    this.#options = options;
    const count = Math.min(stack.images.length, options.ahead ?? stack.images.length);
    this.#wanted = new Set(stack.images.slice(0, count).keys());
    this.#forgetLoaded();
    if (options.ahead === undefined) active.add(this);
    this.#report();
  }

  /** Bytes of the series that are here, about. */
  get held(): number {
    const { images, decodedBytes } = this.#stack;
    return (this.#here / Math.max(1, images.length)) * decodedBytes;
  }

  /** The reader is at `index` now: what follows is chosen around it. */
  focus(index: number): void {
    this.#around = index;
    this.#fill();
  }

  stop(): void {
    this.#stopped = true;
    active.delete(this);
    clearTimeout(this.#pause);
  }

  #forgetLoaded(): void {
    this.#stack.images.forEach((image, index) => {
      if (cache.getImageLoadObject(image.imageId)) this.#wanted.delete(index);
    });
  }

  get #here(): number {
    const waiting = this.#wanted.size + this.#running + this.#missing;
    return this.#stack.images.length - waiting;
  }

  #report(): void {
    if (this.#options.ahead !== undefined) return;
    setLoaded(this.#stack.uid, this.#here, this.#stack.images.length);
  }

  #hasRoom(): boolean {
    const most = cache.getMaxCacheSize() * SHARE;
    if (this.#options.makeRoom) return true;
    if (this.#options.ahead !== undefined) return cache.getCacheSize() < most;
    return [...active].reduce((sum, one) => sum + one.held, 0) < most;
  }

  #fill(): void {
    if (this.#stopped || this.#pause !== undefined || !this.#hasRoom()) return;
    const order = nearestFirst(this.#stack.images.length, this.#around);
    for (const index of order) {
      if (this.#running >= PARALLEL) return;
      if (this.#wanted.delete(index)) void this.#load(index);
    }
  }

  async #load(index: number): Promise<void> {
    const image = this.#stack.images[index];
    if (!image) return;
    this.#running += 1;
    try {
      await imageLoader.loadAndCacheImage(image.imageId);
      this.#failures = 0;
    } catch (error) {
      if (isPassing(error)) this.#again(index);
      else this.#giveUp(index);
    } finally {
      this.#running -= 1;
      if (!this.#stopped) {
        this.#report();
        this.#fill();
      }
    }
  }

  #giveUp(index: number): void {
    this.#missing += 1;
    this.#options.onFailed?.(index);
  }

  #again(index: number): void {
    this.#wanted.add(index);
    this.#failures += 1;
    if (this.#pause !== undefined) return;
    this.#pause = setTimeout(
      () => {
        this.#pause = undefined;
        this.#fill();
      },
      backOff(this.#failures, Math.random(), 500, 10_000),
    );
  }
}

function isPassing(error: unknown): boolean {
  const cause = error instanceof PackError ? error : asPackError(error);
  return cause?.kind === 'preparing' || cause?.kind === 'offline';
}

/** The loader's event wraps what was thrown. */
function asPackError(error: unknown): PackError | null {
  if (typeof error === 'object' && error !== null && 'error' in error) {
    return error.error instanceof PackError ? error.error : null;
  }
  return null;
}
