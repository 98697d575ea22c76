import type { PackedSlice } from './segment-pack';

/**
 * Label maps that a draft's copy in this browser names, until the portal has the draft.
 * They are kept under the copy's own key, so that no window takes another one's away.
 */

const NAME = 'overread-segments';
const STORE = 'slices';

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

const rangeOf = (copyKey: string) =>
  IDBKeyRange.bound(`${copyKey}/`, `${copyKey}0`, false, true);

async function use<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T | null> {
  try {
    const database = await open();
    return await done(work(database.transaction(STORE, mode).objectStore(STORE)));
  } catch {
    // The store is full or forbidden: the label maps still live in the page.
    return null;
  }
}

export async function keepSlice(copyKey: string, slice: PackedSlice): Promise<void> {
  await use('readwrite', (store) => store.put(slice, `${copyKey}/${slice.sha}`));
}

export async function keptSlices(copyKey: string): Promise<readonly PackedSlice[]> {
  return (await use('readonly', (store) => store.getAll(rangeOf(copyKey)))) ?? [];
}

/** After a save: nothing of the copy is left here. */
export async function dropSlices(copyKey: string): Promise<void> {
  await use('readwrite', (store) => store.delete(rangeOf(copyKey)));
}
