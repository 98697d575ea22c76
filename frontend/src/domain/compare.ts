/** Which series of an earlier study is the like of one that is read now. */

export interface Comparable {
  readonly index: number;
  readonly modality: string;
  readonly description: string;
  readonly plane: string;
  readonly n_instances: number;
  readonly views: readonly { readonly view: string; readonly laterality: string }[];
}

const words = (text: string) => new Set(text.toLowerCase().match(/[a-z]+|\d+/g) ?? []);

/** Part of all words that both descriptions have, 0 to 1. */
export function likeness(a: string, b: string): number {
  const [p, q] = [words(a), words(b)];
  const all = new Set([...p, ...q]);
  if (all.size === 0) return 0;
  return [...p].filter((word) => q.has(word)).length / all.size;
}

const same = (a: string, b: string) => (a !== '' && a === b ? 1 : 0);

/** Higher is more alike: modality, then plane or view, then words, then size. */
export function alikeness(now: Comparable, then: Comparable): number {
  const [p, q] = [now.views[0], then.views[0]];
  const views = same(p?.view ?? '', q?.view ?? '');
  const sides = same(p?.laterality ?? '', q?.laterality ?? '');
  const sizes = [now.n_instances, then.n_instances];
  const size = Math.min(...sizes) / Math.max(1, ...sizes);
  return (
    100 * same(now.modality, then.modality) +
    20 * (same(now.plane, then.plane) + views + sides) +
    15 * likeness(now.description, then.description) +
    size
  );
}

/** The index of the most alike of several series; null when there is none. */
export function mostAlike(
  now: Comparable,
  candidates: readonly Comparable[],
): number | null {
  let best: Comparable | null = null;
  for (const one of candidates) {
    if (best === null || alikeness(now, one) > alikeness(now, best)) best = one;
  }
  return best?.index ?? null;
}
