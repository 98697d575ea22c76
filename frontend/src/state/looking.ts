/**
 * What the link of a signed study leaves in the browser's history: it is opened to look
 * at, so no lease is asked for first. It stays when the page is loaded again.
 */
export const TO_LOOK_AT = { looking: true } as const;

/** Whether this page was opened by such a link. */
export function isToLookAt(): boolean {
  const left: unknown = globalThis.history?.state;
  return typeof left === 'object' && left !== null && 'looking' in left;
}
