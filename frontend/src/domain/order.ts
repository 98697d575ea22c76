import { compareInstants } from './instants';
import type { Band, Row, SortKey } from './model';
import { compareKeys } from './ranking';

/** Columns that the list can be sorted by within its bands. */
export type SortColumn =
  | 'waiting'
  | 'deadline'
  | 'patient'
  | 'study'
  | 'modality'
  | 'body_part'
  | 'ai';

export interface Sort {
  readonly by: SortColumn;
  readonly descending: boolean;
}

/** Where a row stands in an order: enough to ask for what comes before or after it. */
export interface Spot {
  readonly band: Band;
  readonly value: string | number;
  readonly key: SortKey;
}

const BANDS: Readonly<Record<Band, number>> = { STAT: 0, PRIORITY: 1, ROUTINE: 2 };
/** Stands in for a probability that is not there, or hidden. */
const UNKNOWN = -1;

function shownProbability(row: Row): number {
  const open = row.protocol.display_mode === 'concurrent' && row.ai.state === 'done';
  return open ? (row.ai.probability ?? UNKNOWN) : UNKNOWN;
}

/** Letters by which names sort, as the portal counts them; equal ones stand by rank. */
const SORTED = 40;

const sortText = (text: string) => [...text.toLowerCase()].slice(0, SORTED).join('');

const VALUES: Readonly<Record<SortColumn, (row: Row) => string | number>> = {
  waiting: (row) => row.arrived_at,
  deadline: (row) => row.deadline_at,
  patient: (row) => sortText(row.patient.name),
  study: (row) => sortText(row.study.description),
  modality: (row) => sortText(row.study.modality),
  body_part: (row) => row.study.body_part,
  ai: shownProbability,
};

export function spotOf(row: Row, sort: Sort | null): Spot {
  const value = sort === null ? '' : VALUES[sort.by](row);
  return { band: row.band, value, key: row.sort_key };
}

function compareValues(a: Spot, b: Spot, by: SortColumn): number {
  if (by === 'waiting' || by === 'deadline') {
    return compareInstants(String(a.value), String(b.value));
  }
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** The portal's order: by rank, or by a column within the bands, which never change. */
export function compareSpots(a: Spot, b: Spot, sort: Sort | null): number {
  if (sort !== null) {
    const band = BANDS[a.band] - BANDS[b.band];
    if (band !== 0) return band;
    const value = compareValues(a, b, sort.by);
    if (value !== 0) return sort.descending ? -value : value;
  }
  return compareKeys(a.key, b.key);
}

/** What a click on a column's head does: up, down, and back to the order by rank. */
export function nextSort(now: Sort | null, by: SortColumn): Sort | null {
  // What matters most comes first: the longest wait, the highest probability.
  const first = by === 'ai';
  if (now?.by !== by) return { by, descending: first };
  return now.descending === first ? { by, descending: !first } : null;
}
