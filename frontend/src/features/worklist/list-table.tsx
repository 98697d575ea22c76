// biome-ignore-all lint/a11y/useSemanticElements: rows are drawn only where seen, at places of their own, which a <table> cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid holds the focus and names the row by aria-activedescendant
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type CSSProperties,
  type PointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
} from 'react';
import { type ColumnId, tracksOf } from '@/domain/columns';
import type { Id } from '@/domain/model';
import { useChoosing } from '@/state/choosing';
import { columnsOf, useListViews } from '@/state/list-views';
import { letGo, lift, moveOn, press, usePress, useStill } from '@/state/press';
import {
  hold,
  isAsking,
  isWhole,
  lengthOf,
  look,
  releaseHold,
  rowOf,
  useWorklist,
} from '@/state/worklist';
import { text } from '@/text/en';
import { ListHead } from './list-head';
import { ListRow, SkeletonRow } from './list-row';

const ROW = 44;
const COMPACT_ROW = 32;
/** A pointer that rests this long no longer holds the order. */
const REST_MS = 6000;
const SKELETONS = Array.from({ length: 16 }, (_, index) => index);

export interface ListTableProps {
  readonly choosing: boolean;
  /** How many rows fit, for the keys that go by pages. */
  readonly pageRows: RefObject<number>;
  readonly onOpen: (id: Id) => void;
  readonly onWhy: (id: Id) => void;
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
    onPointerMove: (event: PointerEvent) => {
      if (event.buttons === 0) lift();
      hold('pointer');
      clearTimeout(timer.current);
      timer.current = setTimeout(() => releaseHold('pointer'), REST_MS);
    },
    onPointerLeave: release,
  };
}

const MODIFIERS = new Set(['Shift', 'Control', 'Alt', 'Meta']);

/**
 * Ends what `press` began on the rows, wherever the button is let go. A key ends the
 * waiting for a second click: keys mean what is so, not what was.
 */
function usePressEnd(): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!MODIFIERS.has(event.key)) moveOn();
    };
    window.addEventListener('pointerup', lift, true);
    window.addEventListener('pointercancel', lift, true);
    window.addEventListener('blur', letGo);
    window.addEventListener('keydown', onKey, true);
    return () => {
      window.removeEventListener('pointerup', lift, true);
      window.removeEventListener('pointercancel', lift, true);
      window.removeEventListener('blur', letGo);
      window.removeEventListener('keydown', onKey, true);
      letGo();
    };
  }, []);
}

interface Anchor {
  readonly id: Id | null;
  /** Pixels of the first seen row that are above the edge. */
  readonly into: number;
}

/**
 * Keeps what is seen where it is when rows come or go above it. At the very top the
 * list does not cling: what comes is to be seen.
 */
function useAnchor(
  scroller: RefObject<HTMLDivElement | null>,
  shown: readonly Id[],
  offset: number,
  height: number,
) {
  const anchor = useRef<Anchor>({ id: null, into: 0 });
  useLayoutEffect(() => {
    const element = scroller.current;
    const { id, into } = anchor.current;
    if (!element || id === null || element.scrollTop === 0) return;
    const place = shown.indexOf(id);
    if (place < 0) return;
    const top = (offset + place) * height + into;
    if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
  }, [scroller, shown, offset, height]);
  return (scrollTop: number) => {
    const first = Math.floor(scrollTop / height);
    anchor.current = {
      id: shown[first - offset] ?? null,
      into: scrollTop - first * height,
    };
  };
}

interface RowsProps extends ListTableProps {
  readonly columns: readonly ColumnId[];
  readonly height: number;
}

function Rows({ onOpen, onWhy, columns, choosing, height, pageRows }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  // Under a hand everything stays as it is, also what is read or narrowed meanwhile.
  const state = useStill(useWorklist());
  const selected = useWorklist((now) => now.selected);
  const chosen = useChoosing((one) => one.chosen);
  const { shown, offset, climbed, ghosts, list } = state;
  const whole = isWhole(state);
  const count = lengthOf(state);
  const pointer = usePointerHold();
  const remember = useAnchor(scroller, shown, offset, height);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    getItemKey: (index) => shown[index - offset] ?? `at-${index}`,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows of another height
  useEffect(() => virtual.measure(), [height]);

  const top = Math.floor((virtual.scrollOffset ?? 0) / height);
  const fit = Math.max(1, Math.floor((virtual.scrollRect?.height ?? 0) / height));
  useEffect(() => {
    pageRows.current = fit;
    look(top, Math.min(count - 1, top + fit));
  }, [top, fit, count, pageRows]);

  useEffect(() => {
    // A row that was clicked is where it is: scrolling would put another one there.
    if (usePress.getState().pressed) return;
    const { shown: now, offset: above } = useWorklist.getState();
    const place = selected === null ? -1 : now.indexOf(selected);
    if (place >= 0) virtual.scrollToIndex(above + place, { align: 'auto' });
  }, [selected, virtual]);

  return (
    <div
      className="list-scroll"
      ref={scroller}
      {...pointer}
      onWheel={moveOn}
      onScroll={(event) => remember(event.currentTarget.scrollTop)}
    >
      <div
        role="rowgroup"
        className="list-rows"
        style={{ height: count * height }}
        onPointerDown={press}
        data-testid="rows"
      >
        {virtual.getVirtualItems().map((item) => {
          const id = shown[item.index - offset];
          const row = id === undefined ? null : rowOf(id, state);
          if (!row || id === undefined) {
            return <SkeletonRow key={item.key} top={item.start} columns={columns} />;
          }
          return (
            <ListRow
              key={id}
              row={row}
              columns={columns}
              choosing={choosing}
              chosen={chosen.has(id)}
              place={item.index}
              top={item.start}
              rank={whole ? String(item.index + 1) : String(row.rank ?? '–')}
              selected={id === selected}
              gone={ghosts.has(id) && !list.items.has(id)}
              climb={climbed.get(id) ?? null}
              onOpen={onOpen}
              onWhy={onWhy}
            />
          );
        })}
      </div>
    </div>
  );
}

function Skeleton({ columns, height }: Pick<RowsProps, 'columns' | 'height'>) {
  return (
    <div className="list-scroll" aria-busy="true">
      <div className="list-rows">
        {SKELETONS.map((index) => (
          <SkeletonRow key={index} top={index * height} columns={columns} />
        ))}
      </div>
    </div>
  );
}

/** The list itself: a grid with one focus, rows drawn only where they are seen. */
export function ListTable(props: ListTableProps) {
  usePressEnd();
  const count = useWorklist(lengthOf);
  const selected = useWorklist((state) => state.selected);
  const waits = useStill(
    useWorklist((state) => state.status === 'loading' && state.shown.length === 0),
  );
  const asking = useWorklist(isAsking);
  const view = useWorklist((state) => state.view);
  const columns = useListViews((state) => columnsOf(state, view));
  const compact = useListViews((state) => state.compact);
  const loadingMore = useWorklist((state) => state.loadingMore);
  const height = compact ? COMPACT_ROW : ROW;
  const style = {
    '--tracks': tracksOf(columns, props.choosing),
    '--row': `${height}px`,
  } as CSSProperties;
  return (
    <>
      <div
        className={compact ? 'list compact' : 'list'}
        style={style}
        role="grid"
        tabIndex={0}
        aria-label={text.list.title}
        aria-rowcount={count + 1}
        aria-busy={asking}
        aria-multiselectable={props.choosing || undefined}
        aria-activedescendant={selected ? `row-${selected}` : undefined}
      >
        <ListHead columns={columns} choosing={props.choosing} />
        {waits ? (
          <Skeleton columns={columns} height={height} />
        ) : (
          <Rows {...props} columns={columns} height={height} />
        )}
      </div>
      <output className="visually-hidden">
        {loadingMore ? text.list.loadingMore : ''}
      </output>
    </>
  );
}
