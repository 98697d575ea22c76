import type { Id, ItemEvent, Row, Seq, SortKey, WorklistPage } from './model';
import { compareKeys, compareRows } from './ranking';

/**
 * The part of the worklist that the browser knows: a prefix of the portal's order.
 * The law that the tests hold: `applyEvents(old, events)` is the portal's snapshot,
 * cut at the horizon.
 */
export interface ListState {
  readonly items: ReadonlyMap<Id, Row>;
  /** Per site, the last change that is in `items`. */
  readonly seq: Seq;
  /** Key of the last known row when more follow at the portal; null when all are known. */
  readonly horizon: SortKey | null;
}

export type Belongs = (row: Row) => boolean;

export const EMPTY_LIST: ListState = { items: new Map(), seq: {}, horizon: null };

/** The state that one snapshot (all pages read so far, in order) describes. */
export function fromPage(page: WorklistPage): ListState {
  return {
    items: new Map(page.items.map((row) => [row.id, row])),
    seq: page.seq,
    horizon: horizonOf(page),
  };
}

function horizonOf(page: WorklistPage): SortKey | null {
  return page.next_cursor === null ? null : (page.items.at(-1)?.sort_key ?? null);
}

/**
 * Adds a further page. A row that events brought in the meantime wins by version.
 * `seq` stays that of the older pages: events since then are applied again, harmlessly.
 */
export function addPage(list: ListState, page: WorklistPage): ListState {
  const items = new Map(list.items);
  for (const row of page.items) {
    const known = items.get(row.id);
    if (!known || known.version <= row.version) items.set(row.id, row);
  }
  return { items, seq: list.seq, horizon: horizonOf(page) };
}

function within(row: Row, horizon: SortKey | null): boolean {
  return horizon === null || compareKeys(row.sort_key, horizon) <= 0;
}

function place(
  items: Map<Id, Row>,
  event: ItemEvent,
  horizon: SortKey | null,
  belongs: Belongs,
): void {
  const row = event.item;
  const known = items.get(event.id);
  if (row && known && known.version > row.version) return;
  if (row && belongs(row) && within(row, horizon))
    items.set(event.id, ranked(row, known));
  else items.delete(event.id);
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
  for (const event of fresh) {
    if (event.seq <= (seq[event.site] ?? 0)) continue;
    place(items, event, list.horizon, belongs);
    seq[event.site] = event.seq;
  }
  return { items, seq, horizon: list.horizon };
}

/** True when an event is missing before this one: ask again from the last known. */
export function hasGap(seq: Seq, event: ItemEvent): boolean {
  const last = seq[event.site];
  return last !== undefined && event.seq > last + 1;
}

export function orderOf(list: ListState): readonly Row[] {
  return [...list.items.values()].sort(compareRows);
}

/** What a person sees when the order is held: places kept, contents present. */
export interface HeldView {
  readonly ids: readonly Id[];
  /** Rows that would come, go or change place if the order were released. */
  readonly changes: number;
}

/** Compares the order on the screen with the fresh one. */
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
