import type { AiState, Band, Id, ItemState, Row } from './model';

/** What the list is narrowed to. Within a field: or; between fields: and. */
export interface Filters {
  readonly site: readonly Id[];
  readonly band: readonly Band[];
  readonly modality: readonly string[];
  readonly body_part: readonly string[];
  readonly ai: readonly AiState[];
  readonly state: readonly ItemState[];
  readonly q: string;
}

export type ListField = Exclude<keyof Filters, 'q'>;

export const NO_FILTERS: Filters = {
  site: [],
  band: [],
  modality: [],
  body_part: [],
  ai: [],
  state: [],
  q: '',
};

/** Views that only the browser can tell apart, on top of the portal's filters. */
export type Narrowing = 'all' | 'past_deadline' | 'mine';

export function isNarrowed(filters: Filters): boolean {
  return (
    filters.q.trim() !== '' ||
    filters.band.length + filters.modality.length > 0 ||
    filters.body_part.length + filters.ai.length > 0
  );
}

const some = (wanted: readonly string[], value: string) =>
  wanted.length === 0 || wanted.includes(value);

function stateFits(row: Row, wanted: readonly ItemState[]): boolean {
  const states = wanted.length > 0 ? wanted : ['open', 'leased'];
  return states.includes(row.state);
}

function wordsFit(row: Row, q: string): boolean {
  const words = q.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const text = [
    row.patient.name,
    row.patient.id,
    row.study.accession_number,
    row.study.description,
    row.ai.label ?? '',
  ]
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Whether a row that arrives live belongs to the filtered list on the screen. */
export function fits(row: Row, filters: Filters): boolean {
  return (
    some(filters.site, row.site.id) &&
    some(filters.band, row.band) &&
    some(filters.modality, row.study.modality) &&
    some(filters.body_part, row.study.body_part) &&
    some(filters.ai, row.ai.state) &&
    stateFits(row, filters.state) &&
    wordsFit(row, filters.q)
  );
}

export function narrow(row: Row, to: Narrowing, now: number): boolean {
  if (to === 'past_deadline') return Date.parse(row.deadline_at) <= now;
  if (to === 'mine') return row.lease?.mine === true;
  return true;
}

/** The query string of the list, repeated parameters for several values. */
export function toQuery(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  const fields: readonly ListField[] = [
    'site',
    'band',
    'modality',
    'body_part',
    'ai',
    'state',
  ];
  for (const field of fields) {
    for (const value of filters[field]) query.append(field, value);
  }
  if (filters.q.trim() !== '') query.set('q', filters.q.trim());
  return query;
}
