import { compareInstants } from './instants';
import type { Row, SortKey } from './model';

/** The list's order: class of the rank, due time, arrival, id. */
export function compareKeys(a: SortKey, b: SortKey): number {
  if (a[0] !== b[0]) return a[0] - b[0];
  const due = compareInstants(a[1], b[1]);
  if (due !== 0) return due;
  const arrival = compareInstants(a[2], b[2]);
  if (arrival !== 0) return arrival;
  return a[3] < b[3] ? -1 : a[3] > b[3] ? 1 : 0;
}

export function compareRows(a: Row, b: Row): number {
  return compareKeys(a.sort_key, b.sort_key);
}

/** A clinician asked for this study at once: announced whatever else is held. */
export function isOrderedStat(row: Row): boolean {
  return row.band === 'STAT' && row.band_source === 'clinician' && row.state === 'open';
}
