import type { Ai, Id, LesionSpot } from './model';

/** One lesion's place on this study and on the earlier one. */
export interface LesionPair {
  /** The same lesion's in both studies. */
  readonly key: string;
  /** The earlier study. */
  readonly study: Id;
  readonly now: LesionSpot | null;
  readonly earlier: LesionSpot;
}

/** Of a finding's lesions, those whose place on the earlier study is known, in their order. */
export function pairsOf(ai: Ai | null, finding: Id | null): readonly LesionPair[] {
  return (ai?.visible ? ai.runs : []).flatMap(({ comparison }) =>
    comparison?.state === 'done'
      ? comparison.lesions.flatMap((one) =>
          one.then_at && one.finding_id === finding
            ? [
                {
                  key: one.tracking_uid,
                  study: comparison.prior.study_id,
                  now: one.now_at,
                  earlier: one.then_at,
                },
              ]
            : [],
        )
      : [],
  );
}

/** The pair after the one that was shown last; after the last one, the first again. */
export function pairAfter(
  pairs: readonly LesionPair[],
  shown: string | null,
): LesionPair | null {
  const at = pairs.findIndex(({ key }) => key === shown);
  return pairs[(at + 1) % pairs.length] ?? null;
}
