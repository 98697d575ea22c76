import type { Id, Row } from './model';

/** The study that is likely read next: the first on the list that is free. */
export function nextUp(
  shown: readonly Id[],
  rowOf: (id: Id) => Row | null,
  present: Id,
): Row | null {
  for (const id of shown) {
    const row = id === present ? null : rowOf(id);
    if (row && isFree(row)) return row;
  }
  return null;
}

/** Nobody has it, or the reader oneself: left in another window, or by a closed one. */
function isFree({ state, lease }: Row): boolean {
  if (lease?.mine) return state === 'open' || state === 'leased';
  return state === 'open' && lease === null;
}
