import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { openStudyAhead } from '@/api/endpoints';
import { readHangings } from '@/api/hanging-endpoints';
import type { Hangings } from '@/domain/hanging';
import type { Id, Row } from '@/domain/model';
import { nextUp } from '@/domain/next-up';
import { type AheadFirst, bringFirst, bringRest, type Keeper } from '@/imaging/ahead';
import type { EarlyPicture } from '@/imaging/early-paint';
import type { PackIndex, Stack } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { useRoom } from '@/state/room';
import { rowOf, useWorklist } from '@/state/worklist';
import { beginningOf, keepFirst, mayBeginElsewhere } from './first-ahead';

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

/** Whether each viewport shows its first image: from then on, little more is no burden. */
function useShown(): boolean {
  const open = useRoom((state) => state.phase === 'open');
  const shown = useViews(({ panes }) => {
    const all = Object.values(panes);
    const waits = all.some(({ view, trouble, loading }) => loading && !view && !trouble);
    return !waits && all.some(({ view }) => view !== null);
  });
  const [was, setWas] = useState(false);
  useEffect(() => {
    if (open && shown) setWas(true);
  }, [open, shown]);
  return was;
}

/** Says what of a row's study is brought in first, and keeps it to be painted at once. */
function firstOf(row: Row, base: string, hangings: Hangings | null) {
  return (index: PackIndex): AheadFirst | null => {
    const begin = beginningOf(index, hangings);
    const series =
      begin?.series ??
      index.series.find((one) => one.displayable && one.instances.length > 0);
    if (!series) return null;
    const onPicture = (picture: EarlyPicture) => {
      if (!begin || mayBeginElsewhere(row, index)) return;
      const { rows, columns } = begin;
      keepFirst({ itemId: row.id, base, series: series.index, rows, columns, picture });
    };
    return { series, window: begin?.window ?? null, onPicture };
  };
}

/** Brings in more of the study that comes next, when nothing else is on its way. */
function useRest(first: Stack | null): void {
  const idle = useIdle();
  useEffect(() => {
    if (!idle || first === null) return;
    let alive = true;
    let stop: () => void = () => undefined;
    const begin = async () => {
      stop = await bringRest(first, () => alive);
      if (!alive) stop();
    };
    void begin().catch(() => undefined);
    return () => {
      alive = false;
      stop();
    };
  }, [idle, first]);
}

/**
 * Brings in the study that comes next while this one is read: its first image as soon as
 * those of this one are there, so that it is ready however soon the key comes.
 */
export function useAhead(itemId: Id): void {
  const queries = useQueryClient();
  const shown = useShown();
  const [first, setFirst] = useState<Stack | null>(null);
  useRest(first);
  const next = useWorklist(({ shown }) => nextUp(shown, rowOf, itemId)?.id ?? null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: anew for each item
  useEffect(() => {
    kept = [];
    keepFirst(null);
  }, [itemId]);
  useEffect(() => {
    if (!shown || next === null) return;
    let alive = true;
    const forever = { staleTime: Number.POSITIVE_INFINITY, retry: false } as const;
    const keeper: Keeper = {
      index: (base, queryFn) =>
        queries.fetchQuery({ queryKey: ['pack', base], queryFn, ...forever }),
      stack: (base, series, queryFn) =>
        queries.fetchQuery({ queryKey: ['stack', base, series], queryFn, ...forever }),
    };
    const begin = async () => {
      const row = rowOf(next);
      if (!row) return;
      const { pack } = await openStudyAhead(row.study.id);
      if (!alive || pack.state !== 'ready') return;
      const hangings = await readHangings(row.study.id).catch(() => null);
      kept = [pack.base];
      const choose = firstOf(row, pack.base, hangings);
      const stack = await bringFirst(pack.base, keeper, () => alive, choose);
      if (alive) setFirst(stack);
    };
    // What fails here is asked for again when the study is opened, and told then.
    const timer = setTimeout(() => void begin().catch(() => undefined), REST_MS);
    return () => {
      alive = false;
      clearTimeout(timer);
      setFirst(null);
    };
  }, [shown, next, queries]);
}
