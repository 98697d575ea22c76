import { create } from 'zustand';
import { readWorklist } from '@/api/endpoints';
import {
  type Filters,
  fits,
  isNarrowed,
  NO_FILTERS,
  narrow,
  toQuery,
} from '@/domain/filters';
import {
  addPage,
  applyEvents,
  climbs,
  compareOrders,
  EMPTY_LIST,
  fromPage,
  hasGap,
  type ListState,
  orderOf,
} from '@/domain/list';
import type { Id, ItemEvent, Row, Seq, WorklistPage } from '@/domain/model';
import { isOrderedStat } from '@/domain/ranking';
import { filtersOf, type ViewId, viewOf } from '@/domain/views';
import { portalNow, setPortalNow } from './clock';

/** Rows of one page; the portal gives at most 200. */
const PAGE = 100;
const TOP = 200;
/** How long a climbed row carries its mark. */
const CLIMB_MS = 60_000;

export interface Climb {
  readonly by: number;
  readonly at: number;
}

/** Why the order is kept still: each holder releases its own. */
export type Holder = 'pointer' | 'popover' | 'dialog' | 'keyboard';

export interface WorklistState {
  readonly view: ViewId;
  readonly filters: Filters;
  readonly list: ListState;
  readonly page: Pick<WorklistPage, 'total' | 'bands' | 'facets' | 'ai_ordering'>;
  readonly cursor: string | null;
  readonly status: 'loading' | 'ready' | 'failed';
  readonly failure: string;
  readonly loadingMore: boolean;
  /** The socket is up; while it is not, leasing is off. */
  readonly live: boolean;
  /** Portal's time (ms) of the last word from it. */
  readonly asOf: number;
  /** Ids in the order on the screen; differs from the fresh order while held. */
  readonly shown: readonly Id[];
  /** Rows on the screen that the fresh list no longer has. */
  readonly ghosts: ReadonlyMap<Id, Row>;
  readonly pending: number;
  readonly holders: ReadonlySet<Holder>;
  readonly climbed: ReadonlyMap<Id, Climb>;
  readonly announced: { readonly row: Row; readonly at: number } | null;
  readonly selected: Id | null;
}

const NO_PAGE: WorklistState['page'] = {
  total: 0,
  bands: {},
  facets: { modality: [], body_part: [] },
  ai_ordering: {},
};

export const useWorklist = create<WorklistState>(() => ({
  view: 'queue',
  filters: NO_FILTERS,
  list: EMPTY_LIST,
  page: NO_PAGE,
  cursor: null,
  status: 'loading',
  failure: '',
  loadingMore: false,
  live: false,
  asOf: portalNow(),
  shown: [],
  ghosts: new Map(),
  pending: 0,
  holders: new Set(),
  climbed: new Map(),
  announced: null,
  selected: null,
}));

const get = useWorklist.getState;
const set = useWorklist.setState;

let loading: AbortController | null = null;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;

/** The socket, as far as the list needs it. */
export interface EventSource {
  /** Subscribes if that has not been done on this connection. */
  ensure(): void;
  /** Asks again for what came after the last known numbers. */
  subscribe(): void;
}

let source: EventSource | null = null;

export function setEventSource(next: EventSource | null): void {
  source = next;
}

function askAgain(): void {
  source?.subscribe();
}

export function rowOf(id: Id): Row | null {
  const { list, ghosts } = get();
  return list.items.get(id) ?? ghosts.get(id) ?? null;
}

/** Whether places in the list can be told from the list itself. */
export function isWhole(state: WorklistState): boolean {
  return (
    !isNarrowed(state.filters) && state.filters.site.length === 0 && !viewNarrows(state)
  );
}

function viewNarrows({ view, filters }: WorklistState): boolean {
  return viewOf(view).narrowing !== 'all' || filters.state.length > 0;
}

function freshOrder(state: WorklistState): readonly Id[] {
  const { narrowing } = viewOf(state.view);
  const now = portalNow();
  return orderOf(state.list)
    .filter((row) => narrow(row, narrowing, now))
    .map((row) => row.id);
}

/** Puts the fresh order on the screen, or counts what waits while it is held. */
function arrange(release: boolean): void {
  const state = get();
  const fresh = freshOrder(state);
  if (state.holders.size > 0 && !release && state.shown.length > 0) {
    set({ pending: compareOrders(state.shown, fresh) });
    return;
  }
  const now = Date.now();
  const climbed = new Map([...state.climbed].filter(([, { at }]) => now - at < CLIMB_MS));
  for (const [id, by] of climbs(state.shown, fresh)) climbed.set(id, { by, at: now });
  const selected = keepSelection(state, fresh);
  set({ shown: fresh, ghosts: new Map(), pending: 0, climbed, selected });
}

/** When the selected row leaves, its neighbour at the same place is selected. */
function keepSelection(state: WorklistState, fresh: readonly Id[]): Id | null {
  const { selected, shown } = state;
  if (selected === null || fresh.includes(selected)) return selected;
  const place = Math.max(0, shown.indexOf(selected));
  return fresh[Math.min(place, fresh.length - 1)] ?? null;
}

export function hold(holder: Holder): void {
  const { holders } = get();
  if (!holders.has(holder)) set({ holders: new Set([...holders, holder]) });
}

export function releaseHold(holder: Holder): void {
  const { holders } = get();
  if (!holders.has(holder)) return;
  set({ holders: new Set([...holders].filter((one) => one !== holder)) });
  arrange(false);
}

/** The reader asks for the fresh order now. */
export function showFresh(): void {
  set({ climbed: new Map(get().climbed) });
  arrange(true);
}

function queryFor(limit: number, cursor: string | null): URLSearchParams {
  const query = toQuery(get().filters);
  query.set('limit', String(limit));
  if (cursor !== null) query.set('cursor', cursor);
  return query;
}

function takePage(page: WorklistPage): void {
  setPortalNow(page.now);
  const known = get().list.seq;
  const behind = Object.entries(page.seq).some(([site, seq]) => (known[site] ?? 0) > seq);
  set({
    list: fromPage(page),
    page,
    cursor: page.next_cursor,
    status: 'ready',
    failure: '',
    asOf: portalNow(),
  });
  if (behind) askAgain();
  else source?.ensure();
}

/** Reads the list from the start: on opening, on a new filter, on resync. */
export async function loadList(keepOrder = false): Promise<void> {
  loading?.abort();
  const mine = new AbortController();
  loading = mine;
  const limit = Math.min(TOP, Math.max(PAGE, Math.ceil(get().list.items.size / 50) * 50));
  try {
    const page = await readWorklist(queryFor(limit, null), mine.signal);
    takePage(page);
    arrange(!keepOrder);
    if (viewOf(get().view).narrowing !== 'all') await loadRest(mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    set({ status: 'failed', failure: error instanceof Error ? error.message : '' });
  } finally {
    if (loading === mine) loading = null;
  }
}

/** A view that only the browser narrows needs all pages (bounded). */
async function loadRest(signal: AbortSignal): Promise<void> {
  for (let pages = 0; pages < 10 && get().cursor !== null; pages += 1) {
    if (signal.aborted) return;
    await loadMore();
  }
}

/** Reads the next page, when the reader scrolls near the end. */
export async function loadMore(): Promise<void> {
  const { cursor, loadingMore } = get();
  if (cursor === null || loadingMore) return;
  set({ loadingMore: true });
  const { filters } = get();
  try {
    const page = await readWorklist(queryFor(PAGE, cursor));
    if (get().filters !== filters || get().cursor !== cursor) return;
    const list = addPage(get().list, page);
    set({ list, cursor: page.next_cursor });
    appendShown(list);
  } catch {
    // The rows on the screen stay; scrolling asks again.
  } finally {
    set({ loadingMore: false });
  }
}

/** New rows of a further page go below, also while the order is held. */
function appendShown(list: ListState): void {
  const { shown } = get();
  const known = new Set(shown);
  const { narrowing } = viewOf(get().view);
  const now = portalNow();
  const added = orderOf(list).filter(
    (row) => !known.has(row.id) && narrow(row, narrowing, now),
  );
  set({ shown: [...shown, ...added.map((row) => row.id)] });
}

function startOver(change: Partial<WorklistState>): void {
  set({
    ...change,
    status: 'loading',
    list: EMPTY_LIST,
    shown: [],
    ghosts: new Map(),
    cursor: null,
    pending: 0,
    climbed: new Map(),
    selected: null,
  });
  void loadList();
}

export function chooseView(view: ViewId): void {
  startOver({ view, filters: filtersOf(viewOf(view), get().filters.site) });
}

export function chooseFilters(change: Partial<Filters>): void {
  startOver({ filters: { ...get().filters, ...change } });
}

export function clearFilters(): void {
  startOver({ view: 'queue', filters: { ...NO_FILTERS, site: get().filters.site } });
}

/** Counters and ranks come from the portal: refreshed quietly after a burst of events. */
function refreshSoon(): void {
  if (refreshTimer !== undefined) return;
  refreshTimer = setTimeout(() => {
    refreshTimer = undefined;
    if (get().list.items.size <= TOP && loading === null) void loadList(true);
  }, 2500);
}

function keepGhosts(before: ListState, after: ListState): ReadonlyMap<Id, Row> {
  const ghosts = new Map(get().ghosts);
  for (const id of get().shown) {
    const row = before.items.get(id);
    if (row && !after.items.has(id)) ghosts.set(id, row);
    if (after.items.has(id)) ghosts.delete(id);
  }
  return ghosts;
}

function announceStat(before: ListState, events: readonly ItemEvent[]): void {
  for (const { item } of events) {
    if (!item || !isOrderedStat(item)) continue;
    const known = before.items.get(item.id);
    if (!known || !isOrderedStat(known)) {
      set({ announced: { row: item, at: Date.now() } });
    }
  }
}

const followers = new Set<(row: Row) => void>();

/** Hears of every row that the socket brings, whatever the list is narrowed to. */
export function followRows(follower: (row: Row) => void): () => void {
  followers.add(follower);
  return () => followers.delete(follower);
}

/** Events from the socket; a gap is not applied but asked for again. */
export function takeEvents(events: readonly ItemEvent[], now: string): void {
  setPortalNow(now);
  const before = get().list;
  const first = events[0];
  for (const { item } of events) {
    if (item) for (const follower of followers) follower(item);
  }
  if (get().status !== 'ready' || !first) return;
  if (hasGap(before.seq, first)) {
    askAgain();
    return;
  }
  const { filters } = get();
  const list = applyEvents(before, events, (row) => fits(row, filters));
  if (list === before) return;
  const ghosts = keepGhosts(before, list);
  set({ list, ghosts, asOf: portalNow() });
  announceStat(before, events);
  arrange(false);
  refreshSoon();
}

/** The portal's numbers: behind them, something was lost on the way. */
export function takeTick(seq: Seq, now: string): void {
  setPortalNow(now);
  const { list, status } = get();
  set({ asOf: portalNow() });
  if (status !== 'ready') return;
  const behind = Object.entries(seq).some(([site, last]) => last > (list.seq[site] ?? 0));
  if (behind) askAgain();
}

/** A row that this reader changed: shown at once, whatever is held. */
export function takeRow(row: Row): void {
  const { list } = get();
  const known = list.items.get(row.id);
  if (!known || known.version > row.version) return;
  const items = new Map(list.items).set(row.id, row);
  set({ list: { ...list, items } });
  arrange(true);
}

export function setLive(live: boolean): void {
  if (get().live !== live) set({ live });
}

export function select(id: Id | null): void {
  set({ selected: id });
}

/** Moves the keyboard's row up or down by `by` places. */
export function moveSelection(by: number): void {
  const { shown, selected } = get();
  if (shown.length === 0) return;
  const place = selected === null ? -1 : shown.indexOf(selected);
  const next = place < 0 ? (by > 0 ? 0 : shown.length - 1) : place + by;
  set({ selected: shown[Math.min(shown.length - 1, Math.max(0, next))] ?? null });
}

export function dismissAnnouncement(): void {
  set({ announced: null });
}

/** Forgets everything, when another person logs in. */
export function resetWorklist(): void {
  loading?.abort();
  clearTimeout(refreshTimer);
  refreshTimer = undefined;
  set(useWorklist.getInitialState());
}
