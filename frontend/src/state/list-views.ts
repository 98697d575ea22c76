import { create } from 'zustand';
import {
  deleteView as askDelete,
  saveView as askSave,
  readViews,
  saveSettings,
  type ViewToSave,
} from '@/api/list-endpoints';
import { type ColumnId, PLAIN_COLUMNS, readColumns } from '@/domain/columns';
import type { Id } from '@/domain/model';
import {
  type BuiltInId,
  filtersOf,
  type SavedView,
  type View,
  viewsOf,
} from '@/domain/views';
import { openView, useWorklist } from './worklist';

/** Views and columns of the list, as the portal keeps them for this person. */
export interface ListViewsState {
  readonly views: readonly View[];
  /** The columns that the person chose for the list. */
  readonly columns: readonly ColumnId[];
  readonly compact: boolean;
  /** Sites whose views this person keeps. */
  readonly shareAt: readonly Id[];
  readonly read: boolean;
  readonly problem: string;
}

export const useListViews = create<ListViewsState>(() => ({
  views: viewsOf([]),
  columns: PLAIN_COLUMNS,
  compact: false,
  shareAt: [],
  read: false,
  problem: '',
}));

const get = useListViews.getState;
const set = useListViews.setState;

const messageOf = (error: unknown) => (error instanceof Error ? error.message : '');

/** Reads the person's views once, and opens with the default one. */
export async function loadViews(): Promise<void> {
  if (get().read) return;
  try {
    const answer = await readViews();
    set({
      views: viewsOf(answer.items),
      columns: readColumns(answer.settings.columns),
      compact: answer.settings.compact,
      shareAt: answer.share_at,
      read: true,
    });
    const first = get().views.find((view) => view.id === answer.default);
    if (first && useWorklist.getState().view === 'queue') chooseView(first);
  } catch (error) {
    set({ problem: messageOf(error) });
  }
}

export function chooseView(view: View): void {
  const { filters } = useWorklist.getState();
  openView(view.id, filtersOf(view, filters.site), view.sort);
}

/** Opens the tab of this number, from 0; false when there is none. */
export function chooseViewAt(index: number): boolean {
  const view = get().views[index];
  if (view) chooseView(view);
  return view !== undefined;
}

/** Opens a built-in view. */
export function chooseBuiltIn(id: BuiltInId): void {
  const view = get().views.find((one) => one.id === id);
  if (view) chooseView(view);
}

/** The columns on the screen: the open view's, or the person's own. */
export function columnsOf(
  { views, columns }: ListViewsState,
  open: string,
): readonly ColumnId[] {
  return views.find((view) => view.id === open)?.columns ?? columns;
}

/** What was changed last is on the screen at once, and kept by the portal. */
export async function chooseColumns(
  columns: readonly ColumnId[],
  compact: boolean,
): Promise<void> {
  const open = useWorklist.getState().view;
  const views = get().views.map((view) =>
    view.id === open && view.columns !== null ? { ...view, columns } : view,
  );
  const own = views.some((view) => view.id === open && view.columns !== null);
  set({ views, compact, problem: '', ...(own ? {} : { columns }) });
  try {
    await saveSettings({ columns: own ? get().columns : columns, compact });
  } catch (error) {
    set({ problem: messageOf(error) });
  }
}

/** Keeps what is on the screen under a name, and shows its tab. */
export async function keepView(
  wanted: Pick<ViewToSave, 'name' | 'site' | 'is_default'>,
): Promise<void> {
  const { filters, sort, view } = useWorklist.getState();
  const columns = columnsOf(get(), view);
  const saved = await askSave({ ...wanted, filters, sort, columns });
  const others = savedOf(get().views).filter((one) => one.id !== saved.id);
  set({ views: viewsOf([...others, saved]) });
  useWorklist.setState({ view: saved.id });
}

function savedOf(views: readonly View[]): readonly SavedView[] {
  return views.flatMap((view) => (view.saved ? [view.saved] : []));
}

export async function dropView(id: Id): Promise<void> {
  await askDelete(id);
  set({ views: viewsOf(savedOf(get().views).filter((one) => one.id !== id)) });
  if (useWorklist.getState().view === id) chooseViewAt(0);
}

export function resetListViews(): void {
  set(useListViews.getInitialState());
}
