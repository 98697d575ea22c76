import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { takeEarly } from '@/api/early';
import type { Manifest } from '@/domain/model';
import { type Grid, gridOf, isGrid, type NoGrid } from '@/domain/volume';
import {
  isColour,
  type PackIndex,
  type PackSeries,
  readIndex,
  readStack,
  type Stack,
} from '@/imaging/pack';
import { PackError } from '@/imaging/part';
import { refreshManifest } from '@/state/reading-session';
import { text } from '@/text/en';
import { whyNoGrid } from '@/text/en-mpr';

const AGAIN_MS = 2000;

export interface PackState {
  readonly index: PackIndex | null;
  readonly problem: PackError | null;
}

/** The index of a pack, which may have been asked for while the page was on its way. */
export function indexOf(base: string, signal?: AbortSignal): Promise<PackIndex> {
  return takeEarly(`index ${base}`, () => readIndex(base, signal));
}

/** The pack's index; asked for again as long as it is being prepared. */
export function usePack(
  manifest: Manifest | null,
  refresh: () => Promise<void> = refreshManifest,
): PackState {
  const base = manifest?.pack.base ?? null;
  const { data, error } = useQuery({
    queryKey: ['pack', base],
    queryFn: async ({ signal }) => {
      const index = await indexOf(base ?? '', signal);
      if (manifest?.pack.state !== 'ready') await refresh();
      return index;
    },
    enabled: base !== null && manifest?.pack.state !== 'failed',
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    refetchInterval: (query) => (query.state.data ? false : AGAIN_MS),
  });
  if (manifest?.pack.state === 'failed') {
    return { index: null, problem: new PackError('broken') };
  }
  return { index: data ?? null, problem: error instanceof PackError ? error : null };
}

/** One series' images with their metadata, read once. */
export function useStack(base: string | null, series: PackSeries | null) {
  return useQuery<Stack>({
    queryKey: ['stack', base, series?.index],
    queryFn: ({ signal }) =>
      takeEarly(`stack ${base} ${series?.index}`, () =>
        readStack(base ?? '', series as PackSeries, signal),
      ),
    enabled: base !== null && series?.displayable === true,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: (count, error) =>
      error instanceof PackError && error.kind === 'preparing' && count < 30,
    retryDelay: AGAIN_MS,
  });
}

/** The grid that a series' images lie on, or in which way they do not. */
export function useGrid(stack: Stack | null): Grid | NoGrid | null {
  return useMemo(() => {
    if (!stack) return null;
    return gridOf(
      stack.images.map((image) => ({
        plane: image.plane,
        placed: image.placed,
        rows: image.rows,
        columns: image.columns,
        frameOfReference: image.frameOfReference,
        colour: isColour(image),
      })),
    );
  }, [stack]);
}

export interface VolumeState {
  /** The series, when it can be shown in three planes. */
  readonly volume: number | null;
  readonly noVolume: string | null;
}

/** Whether a series can be shown in three planes; if not, why. */
export function useVolume(
  manifest: Manifest | null,
  index: PackIndex | null,
  chosen: number | null,
): VolumeState & { readonly stack: Stack | null } {
  const series = index?.series.find((one) => one.index === chosen) ?? null;
  const { data: stack = null } = useStack(manifest?.pack.base ?? null, series);
  const grid = useGrid(stack);
  if (!series) return { volume: null, noVolume: text.mpr.noSeries, stack };
  if (!grid) return { volume: null, noVolume: text.mpr.reading, stack };
  if (!isGrid(grid)) return { volume: null, noVolume: whyNoGrid(grid), stack };
  return { volume: series.index, noVolume: null, stack };
}
