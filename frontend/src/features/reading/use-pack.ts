import { useQuery } from '@tanstack/react-query';
import type { Manifest } from '@/domain/model';
import {
  PackError,
  type PackIndex,
  type PackSeries,
  readIndex,
  readStack,
  type Stack,
} from '@/imaging/pack';
import { refreshManifest } from '@/state/reading-session';

const AGAIN_MS = 2000;

export interface PackState {
  readonly index: PackIndex | null;
  readonly problem: PackError | null;
}

/** The pack's index; asked for again as long as it is being prepared. */
export function usePack(manifest: Manifest | null): PackState {
  const base = manifest?.pack.base ?? null;
  const { data, error } = useQuery({
    queryKey: ['pack', base],
    queryFn: async ({ signal }) => {
      const index = await readIndex(base ?? '', signal);
      if (manifest?.pack.state !== 'ready') await refreshManifest();
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
    queryFn: ({ signal }) => readStack(base ?? '', series as PackSeries, signal),
    enabled: base !== null && series?.displayable === true,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: (count, error) =>
      error instanceof PackError && error.kind === 'preparing' && count < 30,
    retryDelay: AGAIN_MS,
  });
}

/** The series of the pack that holds an image. */
export function seriesHolding(index: PackIndex | null, sopUid: string): number | null {
  const found = index?.series.find((series) =>
    series.instances.some((instance) => instance.sop_uid === sopUid),
  );
  return found?.index ?? null;
}
