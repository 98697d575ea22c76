/** How far a round of requests is, one after the other. */
export interface Asked {
  /** Requests that have ended. */
  readonly done: number;
  /** Of these, those that were refused. */
  readonly refused: number;
  /** Requests of the round. */
  readonly of: number;
}

/** Asks the same of each, one after the other; a refusal does not stop the round. */
export async function askEach<T>(
  all: readonly T[],
  ask: (one: T) => Promise<unknown>,
  onStep: (asked: Asked) => void,
): Promise<Asked> {
  let found: Asked = { done: 0, refused: 0, of: all.length };
  onStep(found);
  for (const one of all) {
    const refused = await ask(one).then(
      () => 0,
      () => 1,
    );
    found = { ...found, done: found.done + 1, refused: found.refused + refused };
    onStep(found);
  }
  return found;
}
