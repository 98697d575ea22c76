import { cache } from '@cornerstonejs/core';
import { countAhead } from '@/domain/memory';
import type { GreyWindow } from '@/domain/windows';
import { isOurs } from './decode-pool';
import { type EarlyPicture, prepareEarly } from './early-paint';
import {
  type PackIndex,
  type PackSeries,
  readIndex,
  readStack,
  type Stack,
} from './pack';
import { Prefetcher } from './prefetch';
import { bringEncoded, ensureImaging, registerStack } from './setup';

/** How the parts of a pack are kept, so that nothing is asked for twice. */
export interface Keeper {
  index(base: string, read: () => Promise<PackIndex>): Promise<PackIndex>;
  stack(base: string, series: number, read: () => Promise<Stack>): Promise<Stack>;
}

/** What is brought in first, and who is told when it can be painted. */
export interface AheadFirst {
  readonly series: PackSeries;
  /** That it hangs with; null for its own. */
  readonly window: GreyWindow | null;
  readonly onPicture: (picture: EarlyPicture) => void;
}

/**
 * Brings in the first image of the study that comes next, ready to be painted. It is
 * little, and needs no imaging library.
 *
 * @param choose of the index; null when there is nothing to bring in.
 * @returns the series that it is of; null when nothing was brought in.
 */
export async function bringFirst(
  base: string,
  keeper: Keeper,
  alive: () => boolean,
  choose: (index: PackIndex) => AheadFirst | null,
): Promise<Stack | null> {
  const index = await keeper.index(base, () => readIndex(base));
  const chosen = choose(index);
  if (!chosen || !alive()) return null;
  const { series, window, onPicture } = chosen;
  const stack = await keeper.stack(base, series.index, () => readStack(base, series));
  const [first] = stack.images;
  if (!first || !alive()) return null;
  const picture = await prepareEarly(first, () => window);
  if (picture && alive()) onPicture(picture);
  return stack;
}

/**
 * Brings in as many images of the study that comes next as the budget allows.
 *
 * @param stack the series that it begins with.
 * @returns how to stop; what has come stays.
 */
export async function bringRest(stack: Stack, alive: () => boolean): Promise<() => void> {
  const [first] = stack.images;
  await ensureImaging();
  if (!first || !alive()) return () => undefined;
  registerStack(stack);
  if (!isOurs(first)) {
    // The library's decoder, with a thread of its own, is not started for what nobody
    // may ever open: here it took more memory than all else of a small study.
    await bringEncoded(first);
    return () => undefined;
  }
  const ahead = countAhead({
    ceiling: cache.getMaxCacheSize(),
    held: cache.getCacheSize(),
    bytesEach: stack.decodedBytes / stack.images.length,
    images: stack.images.length,
  });
  const prefetcher = new Prefetcher(stack, { ahead });
  prefetcher.focus(0);
  return () => prefetcher.stop();
}
