import type { ItemEvent } from '@/domain/model';

const listeners = new Map<string, Set<() => void>>();

/** Tells who follows a kind of event that the portal has sent one. */
export function heedEvents(events: readonly ItemEvent[]): void {
  for (const kind of new Set(events.map((event) => event.kind))) {
    for (const listener of listeners.get(kind) ?? []) listener();
  }
}

/** Calls when the portal sends an event of a kind; answers how to stop. */
export function onEvents(kind: string, listener: () => void): () => void {
  const others = listeners.get(kind) ?? new Set();
  listeners.set(kind, others.add(listener));
  return () => void others.delete(listener);
}
