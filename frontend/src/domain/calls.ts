/** The name that is being typed after an @ where the cursor is; null elsewhere. */
export function callAt(text: string, cursor: number): string | null {
  const before = text.slice(0, cursor);
  const found = /(?:^|[^\w@.+-])@([\w.+-]*)$/.exec(before);
  return found?.[1]?.toLowerCase() ?? null;
}

/** The text with the name at the cursor written out, and where the cursor is then. */
export function completeCall(
  text: string,
  cursor: number,
  username: string,
): { readonly text: string; readonly cursor: number } {
  const typed = callAt(text, cursor) ?? '';
  const head = `${text.slice(0, cursor - typed.length)}${username} `;
  return { text: head + text.slice(cursor).replace(/^ /, ''), cursor: head.length };
}

/** Those whose names begin with, or have a word that begins with, what is typed. */
export function meantBy<T extends { username: string; display_name: string }>(
  people: readonly T[],
  typed: string,
): readonly T[] {
  const begins = (name: string) => name.toLowerCase().startsWith(typed);
  return people.filter(
    ({ username, display_name }) =>
      begins(username) || display_name.split(/\s+/).some(begins),
  );
}
