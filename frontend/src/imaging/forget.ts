/** What must not outlive the session: pixels that were decoded or brought in ahead. */
const forgetters = new Set<() => void>();

/** Registers what forgets; for the life of the page. */
export function onForget(forget: () => void): void {
  forgetters.add(forget);
}

/** The session has ended: the next person at this browser finds nothing. */
export function forgetAll(): void {
  for (const forget of forgetters) forget();
}
