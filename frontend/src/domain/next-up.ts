import type { Id, Row } from './model';

/** The study that is likely read next: the first on the list that is free. */
export function nextUp(
  shown: readonly Id[],
  rowOf: (id: Id) => Row | null,
  present: Id,
): Row | null {
  for (const id of shown) {
    const row = id === present ? null : rowOf(id);
    const free = row?.state === 'open' && (row.lease === null || row.lease.mine);
    if (row && free) return row;
  }
  return null;
}
