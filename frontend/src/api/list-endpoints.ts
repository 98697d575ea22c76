import type { Filters } from '@/domain/filters';
import type { Id, Row, Summary, WindowAnswer } from '@/domain/model';
import type { Sort, Spot } from '@/domain/order';
import type { ListSettings, SavedView, ViewsAnswer } from '@/domain/views';
import { request } from './client';

/**
 * The worklist page's calls. The list is asked for with a body: what a person searches
 * for may name a patient, and is never part of an address.
 */
export interface WindowQuestion {
  readonly filters: Filters;
  readonly sort: Sort | null;
  readonly limit: number;
  readonly after?: Spot | null;
  readonly before?: Spot | null;
  readonly at?: number;
  readonly counts?: boolean;
}

function placeOf(spot: Spot | null | undefined) {
  if (!spot) return null;
  const [rank_class, sort_at, arrived_at, id] = spot.key;
  return { rank_class, sort_at, arrived_at, id, band: spot.band, value: `${spot.value}` };
}

export async function readWindow(
  question: WindowQuestion,
  signal?: AbortSignal,
): Promise<WindowAnswer> {
  const body = {
    ...question,
    after: placeOf(question.after),
    before: placeOf(question.before),
  };
  const options = { method: 'POST', body, ...(signal ? { signal } : {}) } as const;
  return (await request<WindowAnswer>('worklist/window', options)).data;
}

export async function readSummary(filters: Filters): Promise<Summary> {
  const options = { method: 'POST', body: { filters } } as const;
  return (await request<Summary>('worklist/summary', options)).data;
}

export async function readViews(): Promise<ViewsAnswer> {
  return (await request<ViewsAnswer>('worklist/views')).data;
}

export interface ViewToSave {
  readonly name: string;
  readonly site: Id | null;
  readonly is_default: boolean;
  readonly filters: Filters;
  readonly sort: Sort | null;
  readonly columns: readonly string[];
}

export async function saveView(view: ViewToSave): Promise<SavedView> {
  return (await request<SavedView>('worklist/views', { method: 'POST', body: view }))
    .data;
}

export async function deleteView(id: Id): Promise<void> {
  await request(`worklist/views/${id}`, { method: 'DELETE' });
}

export async function saveSettings(settings: ListSettings): Promise<ListSettings> {
  const options = { method: 'PUT', body: settings } as const;
  return (await request<ListSettings>('worklist/settings', options)).data;
}

/** Somebody to assign to. */
export interface ListReader {
  readonly id: Id;
  readonly display_name: string;
  readonly initials: string;
  readonly sites: readonly Id[];
  readonly assigned: number;
  readonly reading: number;
  readonly here: boolean;
}

export async function readReaders(): Promise<readonly ListReader[]> {
  return (await request<{ items: ListReader[] }>('worklist/readers')).data.items;
}

/** Somebody for whom studies on the list are, and how many. */
export interface Assignee {
  readonly id: Id;
  readonly display_name: string;
  readonly initials: string;
  readonly assigned: number;
}

export async function readAssignees(): Promise<readonly Assignee[]> {
  return (await request<{ items: Assignee[] }>('worklist/assignees')).data.items;
}

/** Items of one request; the portal takes no more. */
export const MOST_ASSIGNED = 500;

/** How an assignment went, item by item. */
export interface Assigned {
  /** By which it is undone; null when nothing changed. */
  readonly batch: Id | null;
  readonly items: readonly Row[];
  readonly refused: readonly {
    readonly id: Id;
    readonly code: string;
    readonly detail: string;
  }[];
}

export async function assignItems(
  items: readonly Id[],
  to: Id | null,
): Promise<Assigned> {
  const options = { method: 'POST', body: { items, to } } as const;
  return (await request<Assigned>('worklist/assignments', options)).data;
}

export async function undoAssignment(batch: Id): Promise<Assigned> {
  const options = { method: 'POST' } as const;
  return (await request<Assigned>(`worklist/assignments/${batch}/undo`, options)).data;
}
