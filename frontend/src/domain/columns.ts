import type { SortColumn } from './order';

/** Everything that a row can show, in the order of the menu. */
export const COLUMN_IDS = [
  'rank',
  'band',
  'waiting',
  'patient',
  'study',
  'ai',
  'ai_state',
  'reader',
  'deadline',
  'body_part',
  'accession',
  'station',
  'study_date',
  'site',
  'actions',
] as const;

export type ColumnId = (typeof COLUMN_IDS)[number];

export interface Column {
  readonly id: ColumnId;
  /** A track of the grid. */
  readonly width: string;
  readonly sort: SortColumn | null;
  /** What says how urgent a row is stays on the list. */
  readonly always: boolean;
}

const column = (
  id: ColumnId,
  width: string,
  sort: SortColumn | null = null,
  always = false,
): Column => ({ id, width, sort, always });

export const COLUMNS: Readonly<Record<ColumnId, Column>> = {
  rank: column('rank', '62px', null, true),
  band: column('band', '104px', null, true),
  waiting: column('waiting', '188px', 'waiting', true),
  patient: column('patient', 'minmax(170px, 232fr)', 'patient'),
  study: column('study', 'minmax(160px, 246fr)', 'study'),
  ai: column('ai', 'minmax(186px, 272fr)', 'ai'),
  ai_state: column('ai_state', 'minmax(120px, 220fr)'),
  reader: column('reader', 'minmax(120px, 176fr)'),
  deadline: column('deadline', '118px', 'deadline'),
  body_part: column('body_part', 'minmax(84px, 110fr)', 'body_part'),
  accession: column('accession', 'minmax(96px, 120fr)'),
  station: column('station', 'minmax(90px, 120fr)'),
  study_date: column('study_date', '100px'),
  site: column('site', 'minmax(96px, 130fr)'),
  actions: column('actions', '74px'),
};

/** The columns of a person who chose none. */
export const PLAIN_COLUMNS: readonly ColumnId[] = [
  'rank',
  'band',
  'waiting',
  'patient',
  'study',
  'ai',
  'ai_state',
  'reader',
  'actions',
];

const isColumn = (name: string): name is ColumnId =>
  (COLUMN_IDS as readonly string[]).includes(name);

/** Columns as they were kept, without what this version does not know. */
export function readColumns(names: readonly string[]): readonly ColumnId[] {
  const known = names.filter(isColumn);
  const missing = COLUMN_IDS.filter((id) => COLUMNS[id].always && !known.includes(id));
  return [...missing, ...known];
}

export function toggleColumn(
  columns: readonly ColumnId[],
  id: ColumnId,
): readonly ColumnId[] {
  if (COLUMNS[id].always) return columns;
  if (columns.includes(id)) return columns.filter((one) => one !== id);
  // Before the last column of buttons, where it is.
  const last = columns.at(-1) === 'actions' ? columns.length - 1 : columns.length;
  return [...columns.slice(0, last), id, ...columns.slice(last)];
}

/** Moves a column by one place to the left (-1) or to the right (1). */
export function moveColumn(
  columns: readonly ColumnId[],
  id: ColumnId,
  by: -1 | 1,
): readonly ColumnId[] {
  const from = columns.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= columns.length) return columns;
  const moved = [...columns];
  [moved[from], moved[to]] = [moved[to] as ColumnId, moved[from] as ColumnId];
  return moved;
}

/** The tracks of a row's grid; `choosing` adds one for the boxes of a lead. */
export function tracksOf(columns: readonly ColumnId[], choosing: boolean): string {
  const tracks = columns.map((id) => COLUMNS[id].width);
  return [...(choosing ? ['34px'] : []), ...tracks].join(' ');
}
