import type { Id, ItemEvent } from '@/domain/model';

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

const followers = new Set<(item: Id) => void>();

/** Tells who looks at an item that it is known where its findings come from. */
export function heedExplained(item: Id): void {
  for (const follower of followers) follower(item);
}

/** Calls with the item of which that is known; answers how to stop. */
export function onExplained(follower: (item: Id) => void): () => void {
  followers.add(follower);
  return () => void followers.delete(follower);
}
