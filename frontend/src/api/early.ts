/**
 * Answers that were asked for while the application was still on its way. Each is taken
 * once, by whoever would have asked; what nobody takes is forgotten.
 */
const asked = new Map<string, Promise<unknown>>();
/** What the application had to ask for itself. */
const missed = new Set<string>();

/** An older answer says nothing any more. */
const FRESH_MS = 20_000;

/** Whether the application has asked for it already: it came sooner than expected. */
export function isMissed(name: string): boolean {
  return missed.has(name);
}

/** Asks now, for whoever takes it under the same name. What fails is asked for anew. */
export function askEarly<T>(name: string, ask: () => Promise<T>): Promise<T> {
  const answer = ask();
  asked.set(name, answer);
  const drop = () => {
    if (asked.get(name) === answer) asked.delete(name);
  };
  answer.catch(drop);
  setTimeout(drop, FRESH_MS);
  return answer;
}

/** What was asked for under the name, once; else it is asked for now. */
export function takeEarly<T>(name: string, ask: () => Promise<T>): Promise<T> {
  const answer = asked.get(name) as Promise<T> | undefined;
  asked.delete(name);
  if (!answer) missed.add(name);
  return answer ?? ask();
}

/** The session has ended: its answers are nobody's. */
export function forgetEarly(): void {
  asked.clear();
  missed.clear();
}
