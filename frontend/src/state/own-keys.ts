import { useMemo } from 'react';
import { create } from 'zustand';
import { readHotkeys, saveHotkeys } from '@/api/hotkey-endpoints';
import { printHotkey } from '@/domain/hotkeys';
import { type Keyed, type OwnKeys, withOwnKeys } from '@/domain/own-keys';

interface OwnKeysState {
  readonly own: OwnKeys;
  /** The last change is not on the portal's disk; it holds here until it is. */
  readonly unsaved: boolean;
}

export const useOwnKeys = create<OwnKeysState>(() => ({ own: {}, unsaved: false }));

/** Grows with each change: an answer that was asked for before it is out of date. */
let changes = 0;

/** Asks for the keys that the person chose; without an answer ours hold. */
export async function loadOwnKeys(): Promise<void> {
  const asked = changes;
  try {
    const own = await readHotkeys();
    if (changes === asked) useOwnKeys.setState({ own, unsaved: false });
  } catch {
    // The list and the room say that the portal does not answer.
  }
}

export function forgetOwnKeys(): void {
  changes += 1;
  useOwnKeys.setState({ own: {}, unsaved: false });
}

let turn: Promise<unknown> = Promise.resolve();

/**
 * Holds at once, and is kept for the person everywhere; one after another. All keys are
 * kept at once: what has been changed again, or is of who is gone, is not sent.
 */
export function changeOwnKeys(own: OwnKeys): void {
  changes += 1;
  const mine = changes;
  const isLast = () => changes === mine;
  useOwnKeys.setState({ own });
  turn = turn
    .then(() => (isLast() ? saveHotkeys(own) : null))
    .then(
      () => isLast() && useOwnKeys.setState({ unsaved: false }),
      () => isLast() && useOwnKeys.setState({ unsaved: true }),
    );
}

/**
 * Brings the keys up to date before they are looked at: another window may have changed
 * them, and all are kept at once. What is not saved yet is sent again instead.
 */
export async function refreshOwnKeys(): Promise<void> {
  await turn;
  const { own, unsaved } = useOwnKeys.getState();
  if (unsaved) changeOwnKeys(own);
  else await loadOwnKeys();
}

/** The commands with the person's keys. */
export function useKeyed<One extends Keyed>(commands: readonly One[]): readonly One[] {
  const own = useOwnKeys((state) => state.own);
  return useMemo(() => withOwnKeys(commands, own), [commands, own]);
}

/** The stroke of a command that is printed; '' when it has none. */
export function useKeyOf({ id, keys }: Keyed): string {
  return useOwnKeys((state) => (state.own[id] ?? keys)[0] ?? '');
}

/** As `useKeyOf`, printed, for words that are made outside of a component. */
export function printedKeyOf({ id, keys }: Keyed): string {
  return printHotkey((useOwnKeys.getState().own[id] ?? keys)[0] ?? '');
}
