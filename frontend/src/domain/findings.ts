import type { Ai, Finding } from './model';

/** What the portal shows of AI's findings to this reader now: nothing while it is hidden. */
export function visibleFindings(ai: Ai | null): readonly Finding[] {
  return ai?.visible ? ai.runs.flatMap((run) => run.findings) : [];
}

/** Why a finding that its model can explain has no map. */
export type NoMap =
  | { readonly kind: 'coming' }
  /** No part of the image by itself speaks for it. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Why a finding has no map; null where it has one, or nobody was to draw one. */
export function whyNoMap({ explanation, saliency }: Finding): NoMap | null {
  if (!explanation || saliency) return null;
  const { state, reason } = explanation;
  if (state === 'failed') return { kind: 'failed', reason };
  return { kind: state === 'done' ? 'nothing' : 'coming' };
}
