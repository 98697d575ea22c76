import type { Content, Id } from '@/domain/model';
import type { LocalCopies } from './draft-saver';

export interface LocalCopy {
  readonly version: number;
  readonly content: Content;
  readonly at: number;
}

/** Keyed by person and item, so that no one meets another's words on a shared machine. */
const keyOf = (user: Id, item: Id) => `overread.draft.${user}.${item}`;

/** Unsaved work of one person on one item, in this browser only until it is saved. */
export function localCopies(user: Id, item: Id): LocalCopies {
  const key = keyOf(user, item);
  return {
    keep(version, content) {
      const copy: LocalCopy = { version, content, at: Date.now() };
      try {
        localStorage.setItem(key, JSON.stringify(copy));
      } catch {
        // The store is full or forbidden: the draft still lives in the page.
      }
    },
    drop() {
      localStorage.removeItem(key);
    },
  };
}

export function readLocalCopy(user: Id, item: Id): LocalCopy | null {
  try {
    return JSON.parse(localStorage.getItem(keyOf(user, item)) ?? 'null');
  } catch {
    return null;
  }
}
