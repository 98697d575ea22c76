import type { Ai, Finding } from './model';

/** What the portal shows of AI's findings to this reader now: nothing while it is hidden. */
export function visibleFindings(ai: Ai | null): readonly Finding[] {
  return ai?.visible ? ai.runs.flatMap((run) => run.findings) : [];
}
