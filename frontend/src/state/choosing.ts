import { create } from 'zustand';
import {
  type Assigned,
  assignItems,
  MOST_ASSIGNED,
  undoAssignment,
} from '@/api/list-endpoints';
import { inRuns, rangeOf } from '@/domain/choosing';
import type { Id } from '@/domain/model';
import { worklist } from '@/text/en-worklist';
import { select, takeRows, useWorklist } from './worklist';

/** The rows that a lead has chosen, and what was done with them last. */
export interface ChoosingState {
  readonly chosen: ReadonlySet<Id>;
  /** Where a range begins. */
  readonly anchor: Id | null;
  readonly done: Done | null;
  /** How far an action under way is, in studies; null while there is none. */
  readonly working: { readonly done: number; readonly all: number } | null;
}

/** The last assignment, as it is told and may be undone. */
export interface Done {
  readonly kind: 'assigned' | 'unassigned' | 'undone' | 'failed';
  readonly to: string;
  readonly n: number;
  /** By which it is undone, the last first; none when nothing changed. */
  readonly batches: readonly Id[];
  readonly refused: readonly { readonly name: string; readonly detail: string }[];
  readonly problem: string;
}

export const useChoosing = create<ChoosingState>(() => ({
  chosen: new Set(),
  anchor: null,
  done: null,
  working: null,
}));

const get = useChoosing.getState;
const set = useChoosing.setState;

/** Puts one row among the chosen, or takes it out. */
export function toggleChosen(id: Id): void {
  const chosen = new Set(get().chosen);
  if (!chosen.delete(id)) chosen.add(id);
  set({ chosen, anchor: id });
}

/** Adds all rows from the last one touched to this one. */
export function chooseTo(id: Id): void {
  const { anchor, chosen } = get();
  const range = rangeOf(useWorklist.getState().shown, anchor ?? id, id);
  set({ chosen: new Set([...chosen, ...range]), anchor: anchor ?? id });
}

/** Moves the keyboard's row, taking the rows on the way among the chosen. */
export function extendChosen(by: 1 | -1): void {
  const { shown, selected } = useWorklist.getState();
  const from = selected ?? shown[0];
  if (from === undefined) return;
  if (get().anchor === null || get().chosen.size === 0) set({ anchor: from });
  const to = shown[shown.indexOf(from) + by] ?? from;
  select(to);
  chooseTo(to);
}

export function chooseAll(): void {
  set({ chosen: new Set(useWorklist.getState().shown) });
}

export function clearChosen(): void {
  set({ chosen: new Set(), anchor: null });
}

export function dismissDone(): void {
  set({ done: null });
}

function nameOf(id: Id): string {
  const { list, ghosts } = useWorklist.getState();
  return (list.items.get(id) ?? ghosts.get(id))?.patient.name ?? id;
}

const refusalsOf = (answer: Assigned) =>
  answer.refused.map((one) => ({ name: nameOf(one.id), detail: one.detail }));

type Ask = () => Promise<Assigned>;

/** Asks one after the other; what was done before one failed stays, and may be undone. */
async function act(asks: readonly Ask[], all: number, kind: Done['kind'], to: string) {
  let done: Done = { kind, to, n: 0, batches: [], refused: [], problem: '' };
  set({ working: { done: 0, all } });
  try {
    for (const ask of asks) {
      done = withAnswer(done, await ask());
      set({ working: { done: done.n, all } });
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    const so = done.n > 0 ? worklist.assignStopped(done.n) : '';
    done = { ...done, kind: 'failed', problem: `${why} ${so}`.trim() };
  }
  set({ done, working: null });
}

function withAnswer(done: Done, answer: Assigned): Done {
  takeRows(answer.items);
  leaveChosen(answer);
  return {
    ...done,
    n: done.n + answer.items.length,
    batches: answer.batch ? [answer.batch, ...done.batches] : done.batches,
    refused: [...done.refused, ...refusalsOf(answer)],
  };
}

/** What is done is no longer chosen; what cannot be stays so. */
function leaveChosen({ items, refused }: Assigned): void {
  const chosen = new Set(get().chosen);
  for (const row of items) chosen.delete(row.id);
  for (const one of refused) chosen.add(one.id);
  set({ chosen, anchor: null });
}

/** Assigns the chosen rows to a reader, or to nobody; what cannot be stays chosen. */
export async function assignChosen(to: Id | null, name: string): Promise<void> {
  const chosen = [...get().chosen];
  if (get().working !== null) return;
  const asks = inRuns(chosen, MOST_ASSIGNED).map((items) => () => assignItems(items, to));
  await act(asks, chosen.length, to === null ? 'unassigned' : 'assigned', name);
}

/** Takes the last assignment back. */
export async function undoLast(): Promise<void> {
  const { done, working } = get();
  if (!done || done.batches.length === 0 || working !== null) return;
  const asks = done.batches.map((batch) => () => undoAssignment(batch));
  await act(asks, done.n, 'undone', done.to);
}

export function resetChoosing(): void {
  set(useChoosing.getInitialState());
}
