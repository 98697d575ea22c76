import type { Content, Finding } from './model';

/** A critical finding that the reading says is there. */
export interface Statement {
  /** The finding's id, or the mark's. */
  readonly source: string;
  readonly display: string;
}

function saysPresent(finding: Finding, content: Content): boolean {
  const verdict = content.verdicts[finding.id];
  if (!verdict) return false;
  if (verdict.verdict === 'modify') return true;
  return (verdict.verdict === 'accept') === finding.positive;
}

/**
 * What somebody has to be told of, as the portal will see it when the reading is signed.
 *
 * Accepting agrees with the model and rejecting disagrees; a change is of something
 * that is there. One's own marks are critical by their label.
 */
export function criticalStatements(
  findings: readonly Finding[],
  content: Content,
  codes: ReadonlySet<string>,
): readonly Statement[] {
  const said = findings.flatMap((finding): Statement[] => {
    if (!saysPresent(finding, content)) return [];
    const label = content.verdicts[finding.id]?.label ?? null;
    const critical = label ? codes.has(label.code) : finding.acuity === 'critical';
    if (!critical) return [];
    return [{ source: finding.id, display: (label ?? finding.label).display }];
  });
  const own = content.annotations.flatMap(({ id, label }): Statement[] =>
    codes.has(label.code) ? [{ source: id, display: label.display }] : [],
  );
  return [...said, ...own];
}

/** A moment as a `datetime-local` field writes it, in the reader's own zone. */
export function localMoment(at: number): string {
  const date = new Date(at);
  const shifted = new Date(at - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
