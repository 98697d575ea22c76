import { uuidFrom } from '@/domain/ids';
import type { Content, Id } from '@/domain/model';
import type { LocalCopies } from './draft-saver';
import { dropSlices } from './segment-store';

export interface LocalCopy {
  readonly version: number;
  readonly content: Content;
  readonly at: number;
}

/** A copy, whose it is, and where it is kept. */
export interface KeptCopy extends LocalCopy {
  readonly key: string;
  readonly item: Id;
  /** Kept by this very window: a reload, not another tab. */
  readonly ours: boolean;
}

const PREFIX = 'overread.draft';
const WINDOW = 'overread.window';

/** Names this window; it survives a reload, and no other window has it. */
function windowId(): string {
  try {
    const known = sessionStorage.getItem(WINDOW);
    if (known) return known;
    const fresh = uuidFrom(crypto.getRandomValues(new Uint8Array(16)));
    sessionStorage.setItem(WINDOW, fresh);
    return fresh;
  } catch {
    return 'window';
  }
}

/**
 * Keyed by person, item and window: no one meets another's words on a shared machine,
 * and no window drops or overwrites what another one could not save.
 */
export const copyKey = (user: Id, item: Id) => `${PREFIX}.${user}.${item}.${windowId()}`;

/** Unsaved work of one person on one item, in this browser only until it is saved. */
export function localCopies(user: Id, item: Id): LocalCopies {
  const key = copyKey(user, item);
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
      dropCopy(key);
    },
  };
}

export function dropCopy(key: string): void {
  void dropSlices(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // Nothing was kept where nothing may be.
  }
}

/** Everything that this browser keeps for a person, the newest first. */
export function keptCopies(user: Id): readonly KeptCopy[] {
  const found: KeptCopy[] = [];
  for (const key of storedKeys()) {
    const [item, by] = key
      .slice(PREFIX.length + 1)
      .split('.')
      .slice(1);
    if (!key.startsWith(`${PREFIX}.${user}.`) || !item) continue;
    const copy = parse(key);
    if (copy) found.push({ ...copy, key, item, ours: by === windowId() });
  }
  return found.sort((a, b) => b.at - a.at);
}

/** What this browser keeps of one item: this window's own before another's. */
export function readLocalCopy(user: Id, item: Id): KeptCopy | null {
  const copies = keptCopies(user).filter((one) => one.item === item);
  return copies.find((one) => one.ours) ?? copies[0] ?? null;
}

function storedKeys(): readonly string[] {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

function parse(key: string): LocalCopy | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}
