import { cache, imageLoader } from '@cornerstonejs/core';
import { backOff, nearestFirst } from '@/domain/backoff';
import { PackError, type Stack } from './pack';
import { setLoaded } from './view-store';

const PARALLEL = 5;
/** Of the cache, what one series may fill ahead of the reader. */
const SHARE = 0.7;

export interface PrefetchOptions {
  /** Goes on when the cache is nearly full: what nobody looked at longest makes room. */
  readonly makeRoom?: boolean;
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
    this.#wanted = new Set(stack.images.map((_, index) => index));
    this.#forgetLoaded();
    this.#report();
  }

  /** The reader is at `index` now: what follows is chosen around it. */
  focus(index: number): void {
    this.#around = index;
    this.#fill();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
  }

  #forgetLoaded(): void {
    this.#stack.images.forEach((image, index) => {
      if (cache.getImageLoadObject(image.imageId)) this.#wanted.delete(index);
    });
  }

  #report(): void {
    const of = this.#stack.images.length;
    const here = of - this.#wanted.size - this.#running - this.#missing;
    setLoaded(this.#stack.uid, here, of);
  }

  #hasRoom(): boolean {
    if (this.#options.makeRoom) return true;
    return cache.getCacheSize() < cache.getMaxCacheSize() * SHARE;
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
