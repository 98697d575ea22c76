import { cache } from '@cornerstonejs/core';
import { countAhead } from '@/domain/memory';
import { readAhead } from './early-paint';
import { type PackIndex, readIndex, readStack, type Stack } from './pack';
import { Prefetcher } from './prefetch';
import { ensureImaging, registerStack } from './setup';

/** How the parts of a pack are kept, so that nothing is asked for twice. */
export interface Keeper {
  index(base: string, read: () => Promise<PackIndex>): Promise<PackIndex>;
  stack(base: string, series: number, read: () => Promise<Stack>): Promise<Stack>;
}

/**
 * Brings in the study that comes next: its index, its first image ready to be painted,
 * and as many of its images as the budget allows.
 *
 * @returns how to stop; what has come stays.
 */
export async function bringAhead(base: string, keeper: Keeper, alive: () => boolean) {
  const index = await keeper.index(base, () => readIndex(base));
  const series = index.series.find((one) => one.displayable && one.instances.length > 0);
  if (!series || !alive()) return () => undefined;
  const stack = await keeper.stack(base, series.index, () => readStack(base, series));
  const [first] = stack.images;
  if (!first || !alive()) return () => undefined;
  await readAhead(first);
  await ensureImaging();
  if (!alive()) return () => undefined;
  registerStack(stack);
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
