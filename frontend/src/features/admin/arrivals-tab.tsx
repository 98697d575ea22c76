import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { readArrivals, retryArrival } from '@/api/held-endpoints';
import type { ArrivalFailure } from '@/api/held-types';
import { formatExact, formatInteger } from '@/domain/format';
import { untilRetry } from '@/domain/held';
import type { Id } from '@/domain/model';
import { useNow } from '@/state/clock';
import { arrivals as words } from '@/text/en-held';
import { Notice } from '@/ui/primitives';
import { carryOut, QueryTable } from './table';
import { Refused, Unread } from './unread-tables';

const KEY = ['arrival-failures'];

function NextTry({ at }: { at: string }) {
  const wait = untilRetry(at, useNow());
  return <>{wait === null ? words.due : words.inTime(wait)}</>;
}

/** Studies of the archive that could not be registered, and another try for them. */
export function ArrivalsTab() {
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  // How often each had been tried when it was asked for: more tries mean it was tried.
  const [asked, setAsked] = useState<ReadonlyMap<Id, number>>(new Map());
  const query = useQuery({
    queryKey: KEY,
    queryFn: readArrivals,
    refetchInterval: 10_000,
  });

  async function retry({ id, attempts }: ArrivalFailure): Promise<void> {
    const done = await carryOut(() => retryArrival(id), setProblem);
    if (done) setAsked((before) => new Map(before).set(id, attempts));
    await queries.invalidateQueries({ queryKey: KEY });
  }

  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <QueryTable
        query={{ ...query, data: query.data?.items }}
        name={words.name}
        heads={[words.first, words.why, words.tries, words.next, '']}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td className="when">{formatExact(row.first_at)}</td>
            <td>{row.reason}</td>
            <td>{formatInteger(row.attempts)}</td>
            <td className="when t2">
              {asked.get(row.id) === row.attempts ? (
                words.due
              ) : (
                <NextTry at={row.retry_at} />
              )}
            </td>
            <td className="end">
              <button
                type="button"
                className="btn small"
                aria-label={words.retryLabel(formatExact(row.first_at))}
                onClick={() => void retry(row)}
              >
                {words.retry}
              </button>
            </td>
          </tr>
        )}
      </QueryTable>
      {query.data === undefined ? null : (
        <>
          <Unread rows={query.data.unread} />
          <Refused rows={query.data.refused} />
        </>
      )}
    </>
  );
}
