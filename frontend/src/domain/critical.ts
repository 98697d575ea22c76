import type { Content, Finding } from './model';

/** A critical finding that the reading says is there. */
export interface Statement {
  /** The id of the first finding or mark that says it. */
  readonly source: string;
  readonly display: string;
  /** At how many places. */
  readonly places: number;
}

interface Place {
  readonly source: string;
  readonly label: Finding['label'];
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
 * that is there. One's own marks are critical by their label. A label at several places
 * is one: who is told is told of all of them.
 */
export function criticalStatements(
  findings: readonly Finding[],
  content: Content,
  codes: ReadonlySet<string>,
): readonly Statement[] {
  const said = findings.flatMap((finding): Place[] => {
    if (!saysPresent(finding, content)) return [];
    const label = content.verdicts[finding.id]?.label ?? null;
    const critical = label ? codes.has(label.code) : finding.acuity === 'critical';
    if (!critical) return [];
    return [{ source: finding.id, label: label ?? finding.label }];
  });
  const own = content.annotations.flatMap(({ id, label }): Place[] =>
    codes.has(label.code) ? [{ source: id, label }] : [],
  );
  return byLabel([...said, ...own]);
}

function byLabel(places: readonly Place[]): readonly Statement[] {
  const found = new Map<string, Statement>();
  for (const { source, label } of places) {
    const key = `${label.scheme} ${label.code}`;
    const known = found.get(key) ?? { source, display: label.display, places: 0 };
    found.set(key, { ...known, places: known.places + 1 });
  }
  return [...found.values()];
}

/** A moment as a `datetime-local` field writes it, in the reader's own zone. */
export function localMoment(at: number): string {
  const date = new Date(at);
  const shifted = new Date(at - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
