import { useEffect, useMemo, useState } from 'react';
import { type Segmentation, sliceKey } from '@/domain/segment/model';
import {
  addSums,
  deviationOf,
  NO_SUMS,
  type Size,
  type Sums,
  sizeOf,
  sumValues,
} from '@/domain/segment/sizes';
import type { ImageRef, Stack } from '@/imaging/pack';
import { pixelValues } from '@/imaging/pixel-values';
import { useViews } from '@/imaging/view-store';
import { slicesNow } from '@/state/segment-slices';

/** Label maps that are fetched at a time to be counted. */
const AT_ONCE = 4;

/** How many voxels each image has of each segment, once all label maps were read. */
export interface Counts {
  readonly whole: boolean;
  of(number: number): ReadonlyMap<string, number>;
}

function countsOf({ slices }: Segmentation): Counts {
  const all = Object.entries(slices).map(
    ([key, sha]) => [key, slicesNow()?.countsNow(sha) ?? null] as const,
  );
  return {
    whole: all.every(([, counts]) => counts !== null),
    of: (number) =>
      new Map(
        all.flatMap(([key, counts]) => {
          const n = counts?.[number] ?? 0;
          return n > 0 ? [[key, n] as const] : [];
        }),
      ),
  };
}

/** Reads what is not counted yet, a few at a time; answers when there is more to tell. */
async function readAll(shas: readonly string[], onMore: () => void): Promise<void> {
  const slices = slicesNow();
  const waiting = shas.filter((sha) => slices?.countsNow(sha) === null);
  for (let at = 0; at < waiting.length; at += AT_ONCE) {
    const some = waiting.slice(at, at + AT_ONCE);
    await Promise.all(
      some.map((sha) => slices?.read(sha).catch(() => undefined) ?? undefined),
    );
    onMore();
  }
}

/** The voxels of a segmentation, counted; what is not here yet is fetched. */
export function useCounts(one: Segmentation): Counts {
  const [more, setMore] = useState(0);
  const { slices } = one;
  useEffect(() => {
    let alive = true;
    void readAll(Object.values(slices), () => alive && setMore((n) => n + 1));
    return () => {
      alive = false;
    };
  }, [slices]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: there is more to count
  return useMemo(() => countsOf(one), [one, more]);
}

export function sizeIn(counts: Counts, number: number, stack: Stack): Size {
  const images = stack.images.map((image) => ({
    key: sliceKey(image.sopUid, image.frame),
    plane: image.plane,
    placed: image.placed,
    thickness: image.thickness,
    spacing: image.spacing,
  }));
  return sizeOf(counts.of(number), images);
}

export interface SegmentValues {
  readonly mean: number;
  readonly deviation: number;
  readonly unit: string;
}

const known = new Map<string, Sums>();
const MOST_KNOWN = 20_000;

/** Sums over one image's voxels of a segment; null while image or labels are not here. */
function sumsOn(image: ImageRef, sha: string, number: number): Sums | null {
  const name = `${image.imageId} ${sha} ${number}`;
  const before = known.get(name);
  if (before) return before;
  const [pixels, labels] = [pixelValues(image), slicesNow()?.now(sha) ?? null];
  if (!pixels || !labels) return null;
  const sums = sumValues(labels, number, pixels);
  if (known.size > MOST_KNOWN) known.clear();
  known.set(name, sums);
  return sums;
}

/** What stands for "a number without a unit": such values are not calibrated. */
const BARE = '1';

/** Mean and deviation of a segment's values; null without calibrated ones, or yet. */
function valuesOf(
  one: Segmentation,
  number: number,
  counts: Counts,
  stack: Stack,
): SegmentValues | null {
  const held = counts.of(number);
  const images = stack.images.flatMap((image) => {
    const key = sliceKey(image.sopUid, image.frame);
    const sha = one.slices[key];
    return sha && held.has(key) ? [{ image, sha }] : [];
  });
  const all = images.map(({ image, sha }) => sumsOn(image, sha, number));
  const here = all.filter((sums) => sums !== null);
  const [first] = images;
  const unit = first ? pixelValues(first.image)?.unit : undefined;
  if (here.length === 0 || here.length < all.length || !unit || unit === BARE) {
    return null;
  }
  const sums = here.reduce(addSums, NO_SUMS);
  return { mean: sums.mean, deviation: deviationOf(sums), unit };
}

/** Mean and SD of the chosen segment's values, as soon as all its images are here. */
export function useValues(
  one: Segmentation,
  number: number | null,
  counts: Counts,
  stack: Stack | null,
): SegmentValues | null {
  const loaded = useViews((state) => state.loaded[one.series_uid]?.done ?? 0);
  const [unpacked, setUnpacked] = useState(0);
  useEffect(() => {
    if (number === null) return;
    let alive = true;
    const held = counts.of(number);
    const shas = [...held.keys()].flatMap((key) => one.slices[key] ?? []);
    const closed = shas.filter((sha) => slicesNow()?.now(sha) === null);
    void Promise.all(closed.map((sha) => slicesNow()?.read(sha))).then(
      () => alive && closed.length > 0 && setUnpacked((n) => n + 1),
      () => undefined,
    );
    return () => {
      alive = false;
    };
  }, [one, number, counts]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: more is here to be summed
  return useMemo(
    () => (number === null || !stack ? null : valuesOf(one, number, counts, stack)),
    [one, number, counts, stack, loaded, unpacked],
  );
}
