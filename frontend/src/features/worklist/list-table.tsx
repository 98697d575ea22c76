// biome-ignore-all lint/a11y/useSemanticElements: rows are drawn only where seen, at places of their own, which a <table> cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the row by aria-activedescendant
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef } from 'react';
import type { Id } from '@/domain/model';
import {
  hold,
  isWhole,
  loadMore,
  releaseHold,
  rowOf,
  useWorklist,
} from '@/state/worklist';
import { text } from '@/text/en';
import { AiTag } from '@/ui/primitives';
import { ListRow, SkeletonRow } from './list-row';

const ROW = 44;
/** A pointer that rests this long no longer holds the order. */
const REST_MS = 6000;
const SKELETONS = Array.from({ length: 16 }, (_, index) => index * ROW);

export interface ListTableProps {
  readonly onOpen: (id: Id) => void;
  readonly onWhy: (id: Id) => void;
}

function Head() {
  const { columns } = text.list;
  return (
    <div role="row" aria-rowindex={1} className="list-row list-head">
      <div role="columnheader">{columns.rank}</div>
      <div role="columnheader">{columns.band}</div>
      <div role="columnheader">{columns.waiting}</div>
      <div role="columnheader">{columns.patient}</div>
      <div role="columnheader">{columns.study}</div>
      <div role="columnheader">
        <span className="with-tag">
          <AiTag />
          <span className="cut">{columns.ai}</span>
        </span>
      </div>
      <div role="columnheader">{columns.aiState}</div>
      <div role="columnheader">{columns.reader}</div>
      <div role="columnheader">
        <span className="visually-hidden">{columns.actions}</span>
      </div>
    </div>
  );
}

/** Rows do not move under a pointer that is moving over them. */
function usePointerHold() {
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const release = useCallback(() => {
    clearTimeout(timer.current);
    releaseHold('pointer');
  }, []);
  useEffect(() => release, [release]);
  return {
    onPointerMove: () => {
      hold('pointer');
      clearTimeout(timer.current);
      timer.current = setTimeout(() => releaseHold('pointer'), REST_MS);
    },
    onPointerLeave: release,
  };
}

function Rows({ onOpen, onWhy }: ListTableProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const state = useWorklist();
  const { shown, selected, climbed, ghosts, list, cursor, loadingMore } = state;
  const whole = isWhole(state);
  const pointer = usePointerHold();
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 8,
    getItemKey: (index) => shown[index] ?? index,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;

  useEffect(() => {
    if (cursor !== null && last >= shown.length - 20) void loadMore();
  }, [last, shown.length, cursor]);

  useEffect(() => {
    const place = selected === null ? -1 : shown.indexOf(selected);
    if (place >= 0) virtual.scrollToIndex(place, { align: 'auto' });
  }, [selected, shown, virtual]);

  return (
    <div className="list-scroll" ref={scroller} {...pointer}>
      <div
        role="rowgroup"
        className="list-rows"
        style={{ height: shown.length * ROW }}
        data-testid="rows"
      >
        {items.map((item) => {
          const id = shown[item.index];
          const row = id === undefined ? null : rowOf(id);
          if (!row || id === undefined) return null;
          const gone = ghosts.has(id) && !list.items.has(id);
          return (
            <ListRow
              key={id}
              row={row}
              place={item.index}
              top={item.start}
              rank={whole ? String(item.index + 1) : String(row.rank ?? '–')}
              selected={id === selected}
              gone={gone}
              climb={climbed.get(id) ?? null}
              onOpen={onOpen}
              onWhy={onWhy}
            />
          );
        })}
      </div>
      {loadingMore ? <output className="t3">{text.list.loadingMore}</output> : null}
    </div>
  );
}

function Skeleton() {
  return (
    <div className="list-scroll" aria-busy="true">
      <div className="list-rows">
        {SKELETONS.map((top) => (
          <SkeletonRow key={top} top={top} />
        ))}
      </div>
    </div>
  );
}

/** The list itself: a grid with one focus, rows drawn only where they are seen. */
export function ListTable(props: ListTableProps) {
  const status = useWorklist((state) => state.status);
  const total = useWorklist((state) => state.page.total);
  const selected = useWorklist((state) => state.selected);
  const empty = useWorklist((state) => state.shown.length === 0);
  return (
    <div
      className="list"
      role="grid"
      tabIndex={0}
      aria-label={text.list.title}
      aria-rowcount={total + 1}
      aria-activedescendant={selected ? `row-${selected}` : undefined}
    >
      <Head />
      {status === 'loading' && empty ? <Skeleton /> : <Rows {...props} />}
    </div>
  );
}
