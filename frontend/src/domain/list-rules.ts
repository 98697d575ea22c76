import type { Entered } from './entered';

/** Deadlines in seconds, from the highest band to the lowest. */
const DEADLINES = ['stat_deadline_s', 'priority_deadline_s', 'routine_deadline_s'];

/** What is wrong with a field: it is empty, or later than the band below it. */
export type RuleProblem = 'empty' | 'later';

/** The fields of a list's rules that cannot hold as they are. */
export function ruleProblems(
  rules: Readonly<Record<string, Entered>>,
): ReadonlyMap<string, RuleProblem> {
  const found = new Map<string, RuleProblem>();
  for (const [name, value] of Object.entries(rules)) {
    if (value === null) found.set(name, 'empty');
  }
  DEADLINES.slice(1).forEach((below, at) => {
    const name = DEADLINES[at] ?? '';
    const [sooner, later] = [rules[name] ?? null, rules[below] ?? null];
    if (sooner !== null && later !== null && sooner > later) found.set(name, 'later');
  });
  return found;
}
