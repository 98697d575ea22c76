import { cache, imageLoader } from '@cornerstonejs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countAhead } from '@/domain/memory';
import type { Stack } from './pack';
import { Prefetcher } from './prefetch';

const MB = 1024 ** 2;
const CEILING = 1536 * MB;
/** As a CT of 300 slices, in fewer pieces. */
const EACH = 5 * MB;
const IMAGES = 30;

/** Images that claim their size and hold nothing. */
function makeImage(imageId: string) {
  return { imageId, sizeInBytes: EACH, voxelManager: {} };
}

function study(number: number): Stack {
  const images = Array.from({ length: IMAGES }, (_, n) => ({
    imageId: `fake:/pixels/${number}/${n}`,
    url: `/pixels/${number}/${n}`,
  }));
  return {
    index: 0,
    uid: `${number}`,
    images,
    decodedBytes: IMAGES * EACH,
  } as unknown as Stack;
}

async function bring(stack: Stack, ahead?: number): Promise<number> {
  const wanted = ahead ?? IMAGES;
  const prefetcher = new Prefetcher(stack, ahead === undefined ? {} : { ahead });
  let most = 0;
  prefetcher.focus(0);
  for (let turn = 0; turn < 2000; turn += 1) {
    await Promise.resolve();
    most = Math.max(most, cache.getCacheSize());
    const here = stack.images.filter((one) => cache.isLoaded(one.imageId)).length;
    if (here >= wanted) break;
  }
  prefetcher.stop();
  return most;
}

describe('a day of thirty studies', () => {
  beforeAll(() => {
    imageLoader.registerImageLoader('fake', ((imageId: string) => ({
      promise: Promise.resolve(makeImage(imageId)),
    })) as unknown as Parameters<typeof imageLoader.registerImageLoader>[1]);
    cache.setMaxCacheSize(CEILING);
  });
  afterAll(() => cache.purgeCache());

  it('never holds more than the ceiling, and always the study on the screen', async () => {
    let most = 0;
    for (let number = 0; number < 30; number += 1) {
      // Nothing is purged in between: the worst case, all studies stay until evicted.
      const stack = study(number);
      most = Math.max(most, await bring(stack));
      const here = stack.images.filter((one) => cache.isLoaded(one.imageId)).length;
      expect(here, `study ${number}`).toBe(IMAGES);
    }
    expect(most).toBeLessThanOrEqual(CEILING);
    expect(most).toBeGreaterThan(CEILING * 0.6);
  });

  it('brings of the next study what the budget allows', async () => {
    cache.purgeCache();
    await bring(study(100));
    const ahead = countAhead({
      ceiling: cache.getMaxCacheSize(),
      held: cache.getCacheSize(),
      bytesEach: EACH,
      images: IMAGES,
    });
    expect(ahead).toBeGreaterThan(0);
    expect(ahead).toBeLessThan(IMAGES);
    await bring(study(101), ahead);
    expect(cache.getCacheSize()).toBe((IMAGES + ahead) * EACH);
  });
});
