import { create } from 'zustand';
import { type Assigned, assignItems, undoAssignment } from '@/api/list-endpoints';
import { rangeOf } from '@/domain/choosing';
import type { Id } from '@/domain/model';
import { select, takeRows, useWorklist } from './worklist';

/** The rows that a lead has chosen, and what was done with them last. */
export interface ChoosingState {
  readonly chosen: ReadonlySet<Id>;
  /** Where a range begins. */
  readonly anchor: Id | null;
  readonly done: Done | null;
  readonly working: boolean;
}

/** The last assignment, as it is told and may be undone. */
export interface Done {
  readonly kind: 'assigned' | 'unassigned' | 'undone' | 'failed';
  readonly to: string;
  readonly n: number;
  readonly batch: Id | null;
  readonly refused: readonly { readonly name: string; readonly detail: string }[];
  readonly problem: string;
}

export const useChoosing = create<ChoosingState>(() => ({
  chosen: new Set(),
  anchor: null,
  done: null,
  working: false,
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

async function act(ask: () => Promise<Assigned>, kind: Done['kind'], to: string) {
  set({ working: true });
  try {
    const answer = await ask();
    const refused = refusalsOf(answer);
    takeRows(answer.items);
    const { batch, items } = answer;
    set({ done: { kind, to, n: items.length, batch, refused, problem: '' } });
    set({ chosen: new Set(answer.refused.map((one) => one.id)), anchor: null });
  } catch (error) {
    const problem = error instanceof Error ? error.message : '';
    set({ done: { kind: 'failed', to, n: 0, batch: null, refused: [], problem } });
  } finally {
    set({ working: false });
  }
}

/** Assigns the chosen rows to a reader, or to nobody; what cannot be stays chosen. */
export function assignChosen(to: Id | null, name: string): Promise<void> {
  const items = [...get().chosen];
  const kind = to === null ? 'unassigned' : 'assigned';
  return act(() => assignItems(items, to), kind, name);
}

/** Takes the last assignment back. */
export async function undoLast(): Promise<void> {
  const batch = get().done?.batch;
  if (batch) await act(() => undoAssignment(batch), 'undone', get().done?.to ?? '');
}

export function resetChoosing(): void {
  set(useChoosing.getInitialState());
}
