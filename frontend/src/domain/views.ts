import { type ColumnId, readColumns } from './columns';
import { type Filters, NO_FILTERS } from './filters';
import type { Id } from './model';
import type { Sort } from './order';

export type BuiltInId =
  | 'queue'
  | 'stat'
  | 'past_deadline'
  | 'ai_missing'
  | 'mine'
  | 'to_verify';

/** A view that is there without anybody saving it. */
export interface BuiltIn {
  readonly id: BuiltInId;
  readonly filters: Partial<Filters>;
}

export const VIEWS: readonly BuiltIn[] = [
  { id: 'queue', filters: {} },
  { id: 'stat', filters: { band: ['STAT'] } },
  { id: 'past_deadline', filters: { past_deadline: true } },
  { id: 'ai_missing', filters: { ai: ['failed', 'rejected', 'none'] } },
  { id: 'mine', filters: { mine: true } },
  { id: 'to_verify', filters: { to_verify: true } },
];

/** The preliminary readings that wait for this person; nobody else has the view. */
export const TO_VERIFY = 'to_verify';

/** A view that somebody saved, for oneself or for a site. */
export interface SavedView {
  readonly id: Id;
  readonly name: string;
  /** Whose readers all have it; null: it is this person's own. */
  readonly site: { readonly id: Id; readonly name: string } | null;
  readonly is_default: boolean;
  readonly may_delete: boolean;
  readonly filters: Filters;
  readonly sort: Sort | null;
  readonly columns: readonly string[];
}

export interface ListSettings {
  readonly columns: readonly string[];
  readonly compact: boolean;
}

/** Everything about views that the portal keeps for a person. */
export interface ViewsAnswer {
  readonly items: readonly SavedView[];
  readonly default: Id | null;
  readonly settings: ListSettings;
  readonly plain_columns: readonly string[];
  readonly share_at: readonly Id[];
}

/** A tab over the list. */
export interface View {
  readonly id: BuiltInId | Id;
  /** Null for a built-in one, whose name is a text of ours. */
  readonly saved: SavedView | null;
  readonly filters: Filters;
  readonly sort: Sort | null;
  /** Null: the columns that the person chose for the list. */
  readonly columns: readonly ColumnId[] | null;
}

export function viewsOf(saved: readonly SavedView[]): readonly View[] {
  const own = VIEWS.map(({ id, filters }) => ({
    id,
    saved: null,
    filters: { ...NO_FILTERS, ...filters },
    sort: null,
    columns: null,
  }));
  const kept = saved.map((view) => ({
    id: view.id,
    saved: view,
    filters: { ...NO_FILTERS, ...view.filters },
    sort: view.sort,
    columns: readColumns(view.columns),
  }));
  return [...own, ...kept];
}

/** The filters of a view; it narrows by site only where it was saved with sites. */
export function filtersOf(view: View, site: Filters['site']): Filters {
  const chosen = view.filters.site.length > 0 ? view.filters.site : site;
  return { ...view.filters, site: chosen };
}
