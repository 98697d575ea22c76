import { create } from 'zustand';
import { readSummary, readWindow, type WindowQuestion } from '@/api/list-endpoints';
import { type Filters, fits, isNarrowed, NO_FILTERS } from '@/domain/filters';
import {
  addAbove,
  addBelow,
  applyEvents,
  climbs,
  compareOrders,
  cutTo,
  EMPTY_LIST,
  fromRows,
  hasGap,
  type ListState,
  orderOf,
} from '@/domain/list';
import type {
  Colleague,
  Counts,
  Id,
  Instant,
  ItemEvent,
  Row,
  Seq,
  WindowAnswer,
} from '@/domain/model';
import type { Sort } from '@/domain/order';
import { isOrderedStat } from '@/domain/ranking';
import { portalNow, setPortalNow } from './clock';

/** Rows of one answer; the portal gives at most 200. */
const PAGE = 100;
const MOST = 200;
/** Rows that the browser keeps; further ones are asked for again when they are seen. */
const KEPT = 1200;
/** How long a climbed row carries its mark. */
const CLIMB_MS = 60_000;
/** Counters follow a burst of events after so long, and a bit so that not all ask at once. */
const REFRESH_MS = 3000;
/** What time alone changes is asked for again after so long. */
const STALE_MS = 30_000;
/** Without a letter for so long, typing has paused. */
const TYPING_MS = 250;

export interface Climb {
  readonly by: number;
  readonly at: number;
}

/** Why the order is kept still: each holder releases its own. */
export type Holder = 'pointer' | 'popover' | 'dialog' | 'keyboard';

export interface WorklistState {
  /** The tab: a built-in view's name or a saved view's id. */
  readonly view: string;
  readonly filters: Filters;
  /** What stands in the search field; asked for after a short pause. */
  readonly typed: string;
  readonly sort: Sort | null;
  readonly list: ListState;
  readonly page: Counts & { readonly ai_ordering: Readonly<Record<Id, boolean>> };
  readonly people: readonly Colleague[];
  readonly status: 'loading' | 'ready' | 'failed';
  readonly failure: string;
  readonly loadingMore: boolean;
  /** The socket is up; while it is not, leasing is off. */
  readonly live: boolean;
  /** Portal's time (ms) of the last word from it. */
  readonly asOf: number;
  /** Ids in the order on the screen; differs from the fresh order while held. */
  readonly shown: readonly Id[];
  /** How many rows of the list stand above the first of `shown`. */
  readonly offset: number;
  /** Rows on the screen that the fresh list no longer has. */
  readonly ghosts: ReadonlyMap<Id, Row>;
  readonly pending: number;
  readonly holders: ReadonlySet<Holder>;
  readonly climbed: ReadonlyMap<Id, Climb>;
  readonly announced: { readonly row: Row; readonly at: number } | null;
  readonly selected: Id | null;
  /** Number in the list of the first row that is seen. */
  readonly firstSeen: number;
  /** Rows that came above what is seen. */
  readonly newAbove: ReadonlySet<Id>;
}

const NO_PAGE: WorklistState['page'] = {
  total: 0,
  to_verify: 0,
  rank_total: 0,
  bands: {},
  facets: { modality: [], body_part: [] },
  ai_ordering: {},
};

export const useWorklist = create<WorklistState>(() => ({
  view: 'queue',
  filters: NO_FILTERS,
  typed: NO_FILTERS.q,
  sort: null,
  list: EMPTY_LIST,
  page: NO_PAGE,
  people: [],
  status: 'loading',
  failure: '',
  loadingMore: false,
  live: false,
  asOf: portalNow(),
  shown: [],
  offset: 0,
  ghosts: new Map(),
  pending: 0,
  holders: new Set(),
  climbed: new Map(),
  announced: null,
  selected: null,
  firstSeen: 0,
  newAbove: new Set(),
}));

const get = useWorklist.getState;
const set = useWorklist.setState;

let loading: AbortController | null = null;
let refreshTimer: ReturnType<typeof setTimeout> | undefined;
let jumpTimer: ReturnType<typeof setTimeout> | undefined;
let typingTimer: ReturnType<typeof setTimeout> | undefined;

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

/** Returns a row of the list as it is, or as it was in another state of it. */
export function rowOf(
  id: Id,
  { list, ghosts }: Pick<WorklistState, 'list' | 'ghosts'> = get(),
): Row | null {
  return list.items.get(id) ?? ghosts.get(id) ?? null;
}

/** Whether a row's rank can be told from its number in the list. */
export function isWhole(state: Pick<WorklistState, 'filters' | 'sort'>): boolean {
  return state.sort === null && !isNarrowed(state.filters);
}

/** Whether another list has been asked for than stands there, or is about to be. */
export function isAsking({ status, typed, filters }: WorklistState): boolean {
  return status === 'loading' || typed.trim() !== filters.q.trim();
}

/** How many rows the list has, counting those that are not known here. */
export function lengthOf(state: WorklistState): number {
  const known = state.offset + state.shown.length;
  return state.list.end === null ? known : Math.max(state.page.total, known + 1);
}

function freshOrder(state: WorklistState): readonly Id[] {
  return orderOf(state.list).map((row) => row.id);
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
  set({
    shown: fresh,
    offset: state.list.offset,
    ghosts: new Map(),
    pending: 0,
    climbed,
    selected: keepSelection(state, fresh),
    newAbove: cameAbove(state, fresh),
  });
}

/** New rows that stand above the first row that is seen. */
function cameAbove(state: WorklistState, fresh: readonly Id[]): ReadonlySet<Id> {
  const { firstSeen, offset, shown, newAbove } = state;
  if (firstSeen === 0 || shown.length === 0) return newAbove.size ? new Set() : newAbove;
  const anchor = shown[Math.max(0, firstSeen - offset)];
  const at = anchor === undefined ? -1 : fresh.indexOf(anchor);
  if (at < 0) return newAbove;
  const before = new Set(shown);
  const came = fresh.slice(0, at).filter((id) => !before.has(id));
  return came.length === 0 ? newAbove : new Set([...newAbove, ...came]);
}

/**
 * When the selected row leaves, its neighbour at the same place is selected. A row of
 * the list before (clicked while this one was read) has no place in it, nor neighbours.
 */
function keepSelection(state: WorklistState, fresh: readonly Id[]): Id | null {
  const { selected, shown } = state;
  if (selected === null || fresh.includes(selected)) return selected;
  const place = shown.indexOf(selected);
  if (place < 0) return null;
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
  arrange(true);
}

// --- reading windows

function question(change: Partial<WindowQuestion>): WindowQuestion {
  const { filters, sort } = get();
  return { filters, sort, limit: PAGE, ...change };
}

function takeCounts(answer: WindowAnswer): void {
  const { counts, ai_ordering } = answer;
  if (counts) set({ page: { ...counts, ai_ordering } });
}

function takeWindow(answer: WindowAnswer, at: number): void {
  setPortalNow(answer.now);
  const { list, sort } = get();
  const behind = Object.entries(answer.seq).some(
    ([site, seq]) => (list.seq[site] ?? 0) > seq,
  );
  takeCounts(answer);
  set({
    list: fromRows(answer, sort, at),
    status: 'ready',
    failure: '',
    asOf: portalNow(),
  });
  if (behind) askAgain();
  else source?.ensure();
}

async function readAt(at: number, limit: number, keepOrder: boolean): Promise<void> {
  loading?.abort();
  const mine = new AbortController();
  loading = mine;
  try {
    const answer = await readWindow(question({ at, limit, counts: true }), mine.signal);
    if (mine.signal.aborted) return;
    if (answer.items.length === 0 && at > 0) return await readAt(0, limit, keepOrder);
    takeWindow(answer, at);
    arrange(!keepOrder);
  } catch (error) {
    if (mine.signal.aborted) return;
    set({ status: 'failed', failure: error instanceof Error ? error.message : '' });
  } finally {
    if (loading === mine) loading = null;
  }
}

/** Reads the list anew where it is seen: on opening, on a new filter, on resync. */
export function loadList(keepOrder = false): Promise<void> {
  const { list, firstSeen } = get();
  const at = list.start === null ? 0 : Math.max(0, firstSeen - PAGE / 2);
  const known = Math.ceil(list.items.size / 50) * 50;
  return readAt(at, Math.min(MOST, Math.max(PAGE, known)), keepOrder);
}

type Direction = 'after' | 'before';

/** Reads further rows below or above, when the reader scrolls near an end. */
async function loadMore(direction: Direction): Promise<void> {
  const { list, loadingMore, filters, sort, status } = get();
  const from = direction === 'after' ? list.end : list.start;
  if (from === null || loadingMore || status !== 'ready') return;
  set({ loadingMore: true });
  try {
    const answer = await readWindow(question({ [direction]: from }));
    const now = get();
    const same = now.filters === filters && now.sort === sort;
    const edge = direction === 'after' ? now.list.end : now.list.start;
    if (!same || edge !== from) return;
    const grow = direction === 'after' ? addBelow : addAbove;
    set({ list: keepSome(grow(now.list, answer), direction) });
    widenShown();
  } catch {
    // The rows on the screen stay; scrolling asks again.
  } finally {
    set({ loadingMore: false });
  }
}

/** Forgets rows at the far end, so that a day of scrolling costs no memory. */
function keepSome(list: ListState, direction: Direction): ListState {
  const over = list.items.size - KEPT;
  if (over <= 0) return list;
  return direction === 'after'
    ? cutTo(list, over, list.items.size)
    : cutTo(list, 0, KEPT);
}

/** Rows of a further window join at the ends, also while the order is held. */
function widenShown(): void {
  const { shown, list, ghosts } = get();
  const order = freshOrder(get());
  const known = new Set(shown);
  const kept = shown.filter((id) => list.items.has(id) || ghosts.has(id));
  const first = order.findIndex((id) => known.has(id));
  const above = order.slice(0, Math.max(0, first)).filter((id) => !known.has(id));
  const below = order.slice(Math.max(0, first)).filter((id) => !known.has(id));
  set({ shown: [...above, ...kept, ...below], offset: list.offset });
}

/** The rows numbered `first` to `last` of the list are on the screen. */
export function look(first: number, last: number): void {
  const { shown, offset, firstSeen, status } = get();
  if (first !== firstSeen) seeFrom(first);
  if (status !== 'ready') return;
  clearTimeout(jumpTimer);
  if (last < offset || first >= offset + shown.length) {
    // Somewhere else altogether: asked for when the scrolling rests.
    if (shown.length > 0) jumpTimer = setTimeout(() => void jumpTo(first), 120);
    return;
  }
  if (last >= offset + shown.length - 20) void loadMore('after');
  if (first < offset + 20) void loadMore('before');
}

function seeFrom(first: number): void {
  const { newAbove, offset, shown } = get();
  const hidden = new Set(shown.slice(0, Math.max(0, first - offset)));
  const left = [...newAbove].filter((id) => hidden.has(id));
  set({
    firstSeen: first,
    newAbove: left.length === newAbove.size ? newAbove : new Set(left),
  });
}

/** Reads the window around a number of the list. */
export function jumpTo(number: number): Promise<void> {
  return readAt(Math.max(0, number - PAGE / 2), MOST, false);
}

/** Shows the top of the list. */
export async function goToTop(): Promise<void> {
  set({ firstSeen: 0, newAbove: new Set() });
  if (get().list.start !== null) await readAt(0, PAGE, false);
  arrange(true);
  set({ selected: get().shown[0] ?? null });
}

// --- what is listed

function startOver(change: Partial<WorklistState>): void {
  clearTimeout(jumpTimer);
  if (change.filters) clearTimeout(typingTimer);
  set({
    ...change,
    typed: change.filters?.q ?? get().typed,
    status: 'loading',
    list: { ...EMPTY_LIST, sort: change.sort === undefined ? get().sort : change.sort },
    shown: [],
    offset: 0,
    ghosts: new Map(),
    pending: 0,
    climbed: new Map(),
    selected: null,
    firstSeen: 0,
    newAbove: new Set(),
  });
  void loadList();
}

/** Shows a view: its filters and its order. */
export function openView(view: string, filters: Filters, sort: Sort | null): void {
  startOver({ view, filters, sort });
}

export function chooseFilters(change: Partial<Filters>): void {
  const { filters, typed } = get();
  startOver({ filters: { ...filters, q: typed, ...change } });
}

/** Words are asked for when the typing pauses, also by who has left the list by then. */
export function typeSearch(typed: string): void {
  clearTimeout(typingTimer);
  set({ typed });
  typingTimer = setTimeout(() => {
    if (get().typed.trim() !== get().filters.q.trim()) chooseFilters({});
  }, TYPING_MS);
}

export function chooseSort(sort: Sort | null): void {
  startOver({ sort });
}

export function clearFilters(): void {
  const filters = { ...NO_FILTERS, site: get().filters.site };
  startOver({ view: 'queue', filters, sort: null });
}

// --- counters

/** Counters and who is here come from the portal, quietly. */
export async function refreshSummary(): Promise<void> {
  const { filters } = get();
  try {
    const { counts, ai_ordering, people, now } = await readSummary(filters);
    setPortalNow(now);
    if (get().filters !== filters) return;
    set({ page: { ...counts, ai_ordering }, people });
  } catch {
    // The socket tells whether the portal is away; the counters stay as they were.
  }
}

/** After a burst of events; ranks under a filter are the portal's too. */
function refreshSoon(): void {
  if (refreshTimer !== undefined) return;
  refreshTimer = setTimeout(
    () => {
      refreshTimer = undefined;
      if (loading !== null) return;
      const small = get().list.items.size <= MOST && get().list.start === null;
      if (small && !isWhole(get())) void loadList(true);
      else void refreshSummary();
    },
    REFRESH_MS + Math.random() * REFRESH_MS,
  );
}

/** Asks again now and then for what time alone changes. Answers how to stop. */
export function keepFresh(): () => void {
  void refreshSummary();
  const timer = setInterval(() => {
    if (get().status !== 'ready' || loading !== null) return;
    const { filters, list } = get();
    if (filters.past_deadline && list.start === null) void loadList(true);
    void refreshSummary();
  }, STALE_MS);
  return () => clearInterval(timer);
}

// --- events

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
export function takeEvents(events: readonly ItemEvent[], now: Instant): void {
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
  const moment = portalNow();
  const list = applyEvents(before, events, (row) => fits(row, filters, moment));
  if (list === before) return;
  const ghosts = keepGhosts(before, list);
  set({ list, ghosts, asOf: moment });
  announceStat(before, events);
  noteArrivals(events, list);
  arrange(false);
  refreshSoon();
}

/** What came above the window is counted, though its rows are not known. */
function noteArrivals(events: readonly ItemEvent[], list: ListState): void {
  const { filters, newAbove } = get();
  if (list.start === null) return;
  const moment = portalNow();
  const came = events.flatMap(({ item }) =>
    item && item.version === 1 && fits(item, filters, moment) ? [item.id] : [],
  );
  const above = came.filter((id) => !list.items.has(id));
  if (above.length > 0) set({ newAbove: new Set([...newAbove, ...above]) });
}

/** The portal's numbers: behind them, something was lost on the way. */
export function takeTick(seq: Seq, now: Instant): void {
  setPortalNow(now);
  const { list, status } = get();
  set({ asOf: portalNow() });
  if (status !== 'ready') return;
  const behind = Object.entries(seq).some(([site, last]) => last > (list.seq[site] ?? 0));
  if (behind) askAgain();
}

/** Rows that this reader changed: shown at once, whatever is held. */
export function takeRows(rows: readonly Row[]): void {
  const { list, filters } = get();
  const moment = portalNow();
  const items = new Map(list.items);
  for (const row of rows) {
    const known = items.get(row.id);
    if (!known || known.version > row.version) continue;
    const kept = row.rank === null ? { ...row, rank: known.rank } : row;
    if (fits(row, filters, moment)) items.set(row.id, kept);
    else items.delete(row.id);
  }
  set({ list: { ...list, items } });
  arrange(true);
}

export function takeRow(row: Row): void {
  takeRows([row]);
}

export function setLive(live: boolean): void {
  if (get().live !== live) set({ live });
}

export function select(id: Id | null): void {
  set({ selected: id });
}

/** Moves the keyboard's row up or down by `by` places. */
export function moveSelection(by: number): void {
  const { shown, selected, firstSeen, offset } = get();
  if (shown.length === 0) return;
  const place = selected === null ? -1 : shown.indexOf(selected);
  const start = Math.max(0, firstSeen - offset);
  const next = place < 0 ? (by > 0 ? start : shown.length - 1) : place + by;
  set({ selected: shown[Math.min(shown.length - 1, Math.max(0, next))] ?? null });
}

export function dismissAnnouncement(): void {
  set({ announced: null });
}

/** Forgets everything, when another person logs in. */
export function resetWorklist(): void {
  loading?.abort();
  clearTimeout(refreshTimer);
  clearTimeout(jumpTimer);
  clearTimeout(typingTimer);
  refreshTimer = undefined;
  set(useWorklist.getInitialState());
}
