import type { Id } from './model';

/** All ids between two of a list, both included, whichever stands first. */
export function rangeOf(order: readonly Id[], from: Id, to: Id): readonly Id[] {
  const a = order.indexOf(from);
  const b = order.indexOf(to);
  if (b < 0) return [];
  if (a < 0) return [to];
  return order.slice(Math.min(a, b), Math.max(a, b) + 1);
}

/** The one reader whom the typed letters mean, or nobody yet. */
export function readerMeant(
  readers: readonly { readonly id: Id; readonly display_name: string }[],
  typed: string,
): Id | null {
  const letters = typed.trim().toLowerCase();
  if (letters === '') return null;
  const [first, second] = readers.filter(({ display_name }) =>
    display_name.toLowerCase().includes(letters),
  );
  return first && !second ? first.id : null;
}

/** The same ids in runs of at most so many. */
export function inRuns(ids: readonly Id[], most: number): readonly (readonly Id[])[] {
  const n = Math.ceil(ids.length / most);
  return Array.from({ length: n }, (_, i) => ids.slice(i * most, (i + 1) * most));
}
