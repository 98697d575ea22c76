import { type Filters, type Narrowing, NO_FILTERS } from './filters';

export type ViewId = 'queue' | 'stat' | 'chest' | 'past_deadline' | 'ai_missing' | 'mine';

/** A tab over the list: filters for the portal, and what only the browser narrows. */
export interface View {
  readonly id: ViewId;
  readonly filters: Partial<Filters>;
  readonly narrowing: Narrowing;
}

export const VIEWS: readonly View[] = [
  { id: 'queue', filters: {}, narrowing: 'all' },
  { id: 'stat', filters: { band: ['STAT'] }, narrowing: 'all' },
  { id: 'chest', filters: { body_part: ['CHEST'] }, narrowing: 'all' },
  { id: 'past_deadline', filters: {}, narrowing: 'past_deadline' },
  {
    id: 'ai_missing',
    filters: { ai: ['failed', 'rejected', 'none'] },
    narrowing: 'all',
  },
  { id: 'mine', filters: { state: ['leased'] }, narrowing: 'mine' },
];

export function viewOf(id: ViewId): View {
  return VIEWS.find((view) => view.id === id) ?? (VIEWS[0] as View);
}

/** The filters of a view for a choice of sites. */
export function filtersOf(view: View, site: Filters['site']): Filters {
  return { ...NO_FILTERS, ...view.filters, site };
}
