import { useQuery, useQueryClient } from '@tanstack/react-query';
import { openStudy, readManifest } from '@/api/endpoints';
import type { Id, Manifest } from '@/domain/model';
import { useHangings } from '@/state/hanging';
import { useRoom } from '@/state/room';
import { type PackState, usePack } from './use-pack';

export interface StudyState extends PackState {
  readonly manifest: Manifest | null;
  /** In words, why the study cannot be shown. */
  readonly failure: string | null;
}

/**
 * An earlier study, opened when it is first looked at in this reading: that is the event
 * without which the portal sends no image of it.
 */
export function usePrior(study: Id | null): StudyState {
  const itemId = useRoom((state) => state.itemId);
  const wanted = useHangings((state) => study !== null && state.opened.includes(study));
  const client = useQueryClient();
  const queryKey = ['prior', itemId, study];
  const { data, error } = useQuery({
    queryKey,
    queryFn: () => openStudy(study ?? ''),
    enabled: wanted,
    staleTime: Number.POSITIVE_INFINITY,
    retry: 1,
  });
  const manifest = data ?? null;
  const pack = usePack(manifest, async () => {
    client.setQueryData(queryKey, await readManifest(study ?? ''));
  });
  const failure = error instanceof Error ? error.message : null;
  return { ...pack, manifest, failure };
}
