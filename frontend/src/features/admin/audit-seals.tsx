import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { AuditFound, AuditProblem, AuditSeals } from '@/api/admin-types';
import { readAuditSeals, requestAuditCheck } from '@/api/endpoints';
import { formatExact } from '@/domain/format';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { wordsOf } from './table';

const words = text.admin.audit.seals;
const ASK_AGAIN_MS = 2000;

function problemWords({ what, seal, first_id, last_id, n }: AuditProblem): string {
  return words.problems[what](seal, `${first_id} to ${last_id}`, n);
}

function Broken({ found, at }: { found: AuditFound; at: string }) {
  const more = found.n_problems - found.problems.length;
  return (
    <Notice kind="fail" assertive title={words.broken(formatExact(at))}>
      <ul>
        {found.problems.map((one) => (
          <li key={`${one.seal}-${one.what}`}>{problemWords(one)}</li>
        ))}
      </ul>
      {more > 0 ? <p>{words.more(more)}</p> : null}
      <p>{words.whatNow}</p>
    </Notice>
  );
}

function Intact({ seals }: { seals: AuditSeals }) {
  const { found, checked_at: at } = seals;
  if (!found || !at) return <span>{words.neverChecked}</span>;
  return found.intact ? <span>{words.intact(formatExact(at))}</span> : null;
}

/** How far the log is sealed, whether it still agrees, and a check at once. */
export function SealsLine() {
  const client = useQueryClient();
  const [since, setSince] = useState<{ readonly checked: string | null } | null>(null);
  const [problem, setProblem] = useState('');
  const { data: seals, error } = useQuery({
    queryKey: ['audit-seals'],
    queryFn: readAuditSeals,
    refetchInterval: ({ state }) =>
      since && state.data?.checked_at === since.checked ? ASK_AGAIN_MS : false,
  });
  if (error) {
    return (
      <Notice kind="fail" title={words.notRead}>
        {wordsOf(error)}
      </Notice>
    );
  }
  if (!seals) return null;
  const checking = since !== null && seals.checked_at === since.checked;

  async function check(checked: string | null): Promise<void> {
    setProblem('');
    try {
      await requestAuditCheck();
      setSince({ checked });
      await client.invalidateQueries({ queryKey: ['audit-seals'] });
    } catch (failed) {
      setProblem(wordsOf(failed));
    }
  }
  return (
    <section aria-label={words.title} className="audit-seals">
      {seals.found && seals.checked_at && !seals.found.intact ? (
        <Broken found={seals.found} at={seals.checked_at} />
      ) : null}
      <p className="t2">
        {seals.sealed_at
          ? words.sealed(seals.records, formatExact(seals.sealed_at))
          : words.notSealed}{' '}
        {words.waiting(seals.waiting)} <Intact seals={seals} />{' '}
        <button
          type="button"
          className="btn small"
          disabled={checking || seals.seals === 0}
          onClick={() => void check(seals.checked_at)}
        >
          {checking ? words.checking : words.checkNow}
        </button>
      </p>
      {problem ? (
        <Notice kind="fail" title={words.notAsked}>
          {problem}
        </Notice>
      ) : null}
      {seals.public_key ? (
        <details className="t3">
          <summary>{words.elsewhere}</summary>
          <p>{words.elsewhereHow}</p>
          <p className="mono">{seals.public_key}</p>
        </details>
      ) : null}
    </section>
  );
}
