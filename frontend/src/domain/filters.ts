import type { AiState, Band, Id, ItemState, Row } from './model';

/** What the list is narrowed to. Within a field: or; between fields: and. */
export interface Filters {
  readonly site: readonly Id[];
  readonly band: readonly Band[];
  readonly modality: readonly string[];
  readonly body_part: readonly string[];
  readonly ai: readonly AiState[];
  readonly state: readonly ItemState[];
  /** Held by me, or meant for me. */
  readonly mine: boolean;
  readonly past_deadline: boolean;
  /** Instead of what is to be read: what is signed and waits for this person. */
  readonly to_verify: boolean;
  /** Meant for this person; `nobody` for nobody; empty for whomever. */
  readonly assignee: Id | 'nobody' | '';
  readonly q: string;
}

/** Fields that one chooses several values of. */
export type ListField = 'site' | 'band' | 'modality' | 'body_part' | 'ai' | 'state';

export const NO_FILTERS: Filters = {
  site: [],
  band: [],
  modality: [],
  body_part: [],
  ai: [],
  state: [],
  mine: false,
  past_deadline: false,
  to_verify: false,
  assignee: '',
  q: '',
};

/** Whether more than the choice of sites narrows the list. */
export function isNarrowed(filters: Filters): boolean {
  const lists = [
    filters.band,
    filters.modality,
    filters.body_part,
    filters.ai,
    filters.state,
  ];
  return (
    filters.q.trim() !== '' ||
    filters.mine ||
    filters.past_deadline ||
    filters.to_verify ||
    filters.assignee !== '' ||
    lists.some((list) => list.length > 0)
  );
}

const some = (wanted: readonly string[], value: string) =>
  wanted.length === 0 || wanted.includes(value);

function stateFits(row: Row, { state, to_verify }: Filters): boolean {
  if (to_verify) return row.preliminary !== null;
  const states = state.length > 0 ? state : ['open', 'leased'];
  return states.includes(row.state);
}

/** One study may have several modalities: `CT/PT`. */
function modalityFits(row: Row, wanted: readonly string[]): boolean {
  const present = row.study.modality.split('/');
  return wanted.length === 0 || wanted.some((one) => present.includes(one));
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
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function personFits(row: Row, filters: Filters): boolean {
  const { mine, assignee } = filters;
  if (mine && !row.lease?.mine && !row.assignee?.mine) return false;
  if (assignee === '') return true;
  return assignee === 'nobody'
    ? row.assignee === null
    : row.assignee?.person.id === assignee;
}

/** Whether a row that arrives live belongs to the filtered list on the screen. */
export function fits(row: Row, filters: Filters, now: number): boolean {
  const late = Date.parse(row.deadline_at) < now;
  return (
    some(filters.site, row.site.id) &&
    some(filters.band, row.band) &&
    modalityFits(row, filters.modality) &&
    some(filters.body_part, row.study.body_part) &&
    some(filters.ai, row.ai.state) &&
    stateFits(row, filters) &&
    personFits(row, filters) &&
    (late || !filters.past_deadline) &&
    wordsFit(row, filters.q)
  );
}
