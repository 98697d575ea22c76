import type { Id, ItemEvent, Row, Seq } from './model';
import { compareSpots, type Sort, type Spot, spotOf } from './order';

/**
 * The part of the worklist that the browser knows: a window of the portal's order.
 * The law that the tests hold: `applyEvents(old, events)` is the portal's snapshot,
 * cut at the window's ends.
 */
export interface ListState {
  readonly items: ReadonlyMap<Id, Row>;
  /** Per site, the last change that is in `items`. */
  readonly seq: Seq;
  readonly sort: Sort | null;
  /** The first place of the window when rows stand above it; null at the list's top. */
  readonly start: Spot | null;
  /** The last place of the window when rows follow; null at the list's end. */
  readonly end: Spot | null;
  /** Rows above the window, as far as known: the portal's last word and what came since. */
  readonly offset: number;
}

/** Consecutive rows as the portal sends them. */
export interface Rows {
  readonly items: readonly Row[];
  readonly seq: Seq;
  /** Further rows follow in the direction that was asked for. */
  readonly more: boolean;
}

export type Belongs = (row: Row) => boolean;

export const EMPTY_LIST: ListState = {
  items: new Map(),
  seq: {},
  sort: null,
  start: null,
  end: null,
  offset: 0,
};

function spotAt(row: Row | undefined, sort: Sort | null): Spot | null {
  return row === undefined ? null : spotOf(row, sort);
}

/** The window that rows from the number `at` on make. */
export function fromRows(rows: Rows, sort: Sort | null, at = 0): ListState {
  return {
    items: new Map(rows.items.map((row) => [row.id, row])),
    seq: rows.seq,
    sort,
    start: at > 0 ? spotAt(rows.items[0], sort) : null,
    end: rows.more ? spotAt(rows.items.at(-1), sort) : null,
    offset: rows.items.length === 0 ? 0 : at,
  };
}

/** Rows that events brought in the meantime win by version. */
function joined(list: ListState, rows: readonly Row[]): Map<Id, Row> {
  const items = new Map(list.items);
  for (const row of rows) {
    const known = items.get(row.id);
    if (!known || known.version <= row.version) items.set(row.id, row);
  }
  return items;
}

/** `seq` stays that of the older rows: events since then are applied again, harmlessly. */
export function addBelow(list: ListState, rows: Rows): ListState {
  const end = rows.more ? spotAt(rows.items.at(-1), list.sort) : null;
  return { ...list, items: joined(list, rows.items), end };
}

export function addAbove(list: ListState, rows: Rows): ListState {
  const items = joined(list, rows.items);
  const added = items.size - list.items.size;
  if (!rows.more) return { ...list, items, start: null, offset: 0 };
  const start = spotAt(rows.items[0], list.sort);
  return { ...list, items, start, offset: Math.max(1, list.offset - added) };
}

/** Keeps the rows numbered `from` to `to` of the window and forgets the others. */
export function cutTo(list: ListState, from: number, to: number): ListState {
  const order = orderOf(list);
  if (from <= 0 && to >= order.length) return list;
  const kept = order.slice(Math.max(0, from), to);
  return {
    ...list,
    items: new Map(kept.map((row) => [row.id, row])),
    start: from > 0 ? spotAt(kept[0], list.sort) : list.start,
    end: to < order.length ? spotAt(kept.at(-1), list.sort) : list.end,
    offset: list.offset + Math.max(0, from),
  };
}

type Side = 'above' | 'in' | 'below';

/** On which side of the window a row stands. */
export function sideOf(list: ListState, row: Row): Side {
  const { start, end, sort } = list;
  const spot = spotOf(row, sort);
  if (start !== null && compareSpots(spot, start, sort) < 0) return 'above';
  if (end !== null && compareSpots(spot, end, sort) > 0) return 'below';
  return 'in';
}

/** Whether a row is new to everybody, not just to this window. */
const isArrival = (row: Row) => row.version === 1;

/** Puts one event in its place; returns how the number of rows above changed. */
function place(
  items: Map<Id, Row>,
  event: ItemEvent,
  list: ListState,
  belongs: Belongs,
): number {
  const row = event.item;
  const known = items.get(event.id);
  if (row && known && known.version > row.version) return 0;
  const side = row && belongs(row) ? sideOf(list, row) : null;
  if (row && side === 'in') {
    items.set(event.id, ranked(row, known));
    return 0;
  }
  items.delete(event.id);
  return side === 'above' && row && (known !== undefined || isArrival(row)) ? 1 : 0;
}

/** An event's row carries no rank of its own: the last known one stays until refreshed. */
function ranked(row: Row, known: Row | undefined): Row {
  if (row.rank !== null || known === undefined) return row;
  return { ...row, rank: known.rank, rank_total: known.rank_total };
}

/** Applies one event; one that the snapshot already holds changes nothing. */
export function applyEvent(
  list: ListState,
  event: ItemEvent,
  belongs: Belongs,
): ListState {
  return applyEvents(list, [event], belongs);
}

/** Applies events in order; `belongs` says whether a row is in the present view. */
export function applyEvents(
  list: ListState,
  events: readonly ItemEvent[],
  belongs: Belongs = () => true,
): ListState {
  const fresh = events.filter((event) => event.seq > (list.seq[event.site] ?? 0));
  if (fresh.length === 0) return list;
  const items = new Map(list.items);
  const seq: Record<Id, number> = { ...list.seq };
  let offset = list.offset;
  for (const event of fresh) {
    if (event.seq <= (seq[event.site] ?? 0)) continue;
    if (event.kind === 'item') offset += place(items, event, list, belongs);
    seq[event.site] = event.seq;
  }
  return { ...list, items, seq, offset };
}

/** True when an event is missing before this one: ask again from the last known. */
export function hasGap(seq: Seq, event: ItemEvent): boolean {
  const last = seq[event.site];
  return last !== undefined && event.seq > last + 1;
}

export function orderOf(list: ListState): readonly Row[] {
  const { sort } = list;
  const rows = [...list.items.values()].map((row) => ({ row, spot: spotOf(row, sort) }));
  rows.sort((a, b) => compareSpots(a.spot, b.spot, sort));
  return rows.map(({ row }) => row);
}

/** Compares the order on the screen with the fresh one: rows that would move. */
export function compareOrders(shown: readonly Id[], fresh: readonly Id[]): number {
  const next = new Set(fresh);
  const now = new Set(shown);
  const gone = shown.filter((id) => !next.has(id)).length;
  const came = fresh.filter((id) => !now.has(id)).length;
  const kept = shown.filter((id) => next.has(id));
  const keptFresh = fresh.filter((id) => now.has(id));
  return gone + came + movedCount(kept, keptFresh);
}

/** The least number of rows to move so that one order becomes the other. */
function movedCount(from: readonly Id[], to: readonly Id[]): number {
  const place = new Map(to.map((id, index) => [id, index]));
  const tails: number[] = [];
  for (const id of from) {
    const value = place.get(id) ?? 0;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] ?? 0) < value) low = middle + 1;
      else high = middle;
    }
    tails[low] = value;
  }
  return from.length - tails.length;
}

/** For each id that is higher in `after` than in `before`: by how many places. */
export function climbs(
  before: readonly Id[],
  after: readonly Id[],
): ReadonlyMap<Id, number> {
  const old = new Map(before.map((id, index) => [id, index]));
  const up = new Map<Id, number>();
  after.forEach((id, index) => {
    const was = old.get(id);
    if (was !== undefined && was > index) up.set(id, was - index);
  });
  return up;
}
