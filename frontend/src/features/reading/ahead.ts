import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { openStudyAhead } from '@/api/endpoints';
import type { Id } from '@/domain/model';
import { nextUp } from '@/domain/next-up';
import { bringAhead, type Keeper } from '@/imaging/ahead';
import { useViews } from '@/imaging/view-store';
import { useRoom } from '@/state/room';
import { rowOf, useWorklist } from '@/state/worklist';

/** The list may still change when a study is opened; a moment later it says what is next. */
const REST_MS = 800;

let kept: readonly string[] = [];

/** Where the frames lie that were brought in for the study that comes next. */
export function keptAhead(): readonly string[] {
  return kept;
}

/** Whether everything that is on the screen is here, so that the network is free. */
function useIdle(): boolean {
  const open = useRoom((state) => state.phase === 'open');
  const loaded = useViews((state) => {
    const all = Object.values(state.loaded);
    return all.length > 0 && all.every(({ done, of }) => done >= of);
  });
  return open && loaded;
}

/** Brings in the study that comes next while this one is read. */
export function useAhead(itemId: Id): void {
  const queries = useQueryClient();
  const idle = useIdle();
  const study = useWorklist(
    ({ shown }) => nextUp(shown, rowOf, itemId)?.study.id ?? null,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: anew for each item
  useEffect(() => {
    kept = [];
  }, [itemId]);
  useEffect(() => {
    if (!idle || study === null) return;
    let alive = true;
    let stop: () => void = () => undefined;
    const forever = { staleTime: Number.POSITIVE_INFINITY, retry: false } as const;
    const keeper: Keeper = {
      index: (base, queryFn) =>
        queries.fetchQuery({ queryKey: ['pack', base], queryFn, ...forever }),
      stack: (base, series, queryFn) =>
        queries.fetchQuery({ queryKey: ['stack', base, series], queryFn, ...forever }),
    };
    const begin = async () => {
      const { pack } = await openStudyAhead(study);
      if (!alive || pack.state !== 'ready') return;
      kept = [pack.base];
      stop = await bringAhead(pack.base, keeper, () => alive);
      if (!alive) stop();
    };
    // What fails here is asked for again when the study is opened, and told then.
    const timer = setTimeout(() => void begin().catch(() => undefined), REST_MS);
    return () => {
      alive = false;
      clearTimeout(timer);
      stop();
    };
  }, [idle, study, queries]);
}
