import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import {
  readFailedComparisons,
  readFailedInterpolations,
  readFailedPacks,
  readFailedRuns,
  retryComparison,
  retryInterpolation,
  retryPack,
  retryRun,
} from '@/api/held-endpoints';
import type { ComparedWork, PackWork, WorkPage } from '@/api/held-types';
import { formatExact } from '@/domain/format';
import type { Id } from '@/domain/model';
import { useCan } from '@/state/session';
import { givenUp as words } from '@/text/en-held';
import { Notice } from '@/ui/primitives';
import { carryOut, QueryTable } from './table';

interface ListProps<T extends PackWork> {
  readonly name: string;
  readonly empty: string;
  /** The head of the column that `what` fills; null without such a column. */
  readonly head: string | null;
  readonly read: (cursor: string | null) => Promise<WorkPage<T>>;
  readonly retry: (id: Id) => Promise<void>;
  readonly what: (row: T) => ReactNode;
  readonly called: (row: T) => string;
}

function WorkList<T extends PackWork>(props: ListProps<T>) {
  const mayRetry = useCan()('dead_letter:retry');
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  const key = ['given-up', props.name];
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => props.read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

  async function retry(id: Id): Promise<void> {
    setAsked(await carryOut(() => props.retry(id), setProblem));
    await queries.invalidateQueries({ queryKey: key });
  }

  const middle = props.head === null ? [] : [props.head];
  return (
    <section className="work" aria-label={props.name}>
      <h2>{props.name}</h2>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      {asked ? <p role="status">{words.askedAgain}</p> : null}
      <QueryTable
        query={{ ...pages, data: pages.data?.pages.flatMap((page) => page.items) }}
        name={props.name}
        heads={[
          words.when,
          ...middle,
          words.study,
          words.site,
          words.why,
          words.asked,
          '',
        ]}
        empty={props.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td className="when">{formatExact(row.changed_at)}</td>
            {props.head === null ? null : <td className="when">{props.what(row)}</td>}
            <td>
              {row.study.modality}{' '}
              <span className="t3 uid">
                {row.study.uid} · {words.revision(row.study.revision)}
              </span>
            </td>
            <td className="when">{row.site.name}</td>
            <td className="t2">{row.reason}</td>
            <td className="when">{words.times(row.attempts)}</td>
            <td className="end">
              {mayRetry ? (
                <button
                  type="button"
                  className="btn small"
                  aria-label={words.retryLabel(props.called(row))}
                  onClick={() => void retry(row.id)}
                >
                  {words.retry}
                </button>
              ) : null}
            </td>
          </tr>
        )}
      </QueryTable>
      {pages.hasNextPage ? (
        <button type="button" className="btn" onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </button>
      ) : null}
    </section>
  );
}

function modelOf(row: ComparedWork): string {
  return `${row.model.name} ${row.model.version}`;
}

/** Work that failed for good, and another try for it. */
export function GivenUpTab() {
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <WorkList
        name={words.runs}
        empty={words.noRuns}
        head={words.model}
        read={readFailedRuns}
        retry={retryRun}
        what={(row) => (
          <>
            {modelOf(row)} <span className="t3">{words.slots[row.slot] ?? row.slot}</span>
          </>
        )}
        called={(row) => words.run(modelOf(row), row.study.uid)}
      />
      <WorkList
        name={words.comparisons}
        empty={words.noComparisons}
        head={words.model}
        read={readFailedComparisons}
        retry={retryComparison}
        what={modelOf}
        called={(row) => words.comparison(modelOf(row), row.study.uid)}
      />
      <WorkList
        name={words.interpolations}
        empty={words.noInterpolations}
        head={null}
        read={readFailedInterpolations}
        retry={retryInterpolation}
        what={() => null}
        called={(row) => words.filling(row.study.modality, row.study.uid)}
      />
      <WorkList
        name={words.packs}
        empty={words.noPacks}
        head={null}
        read={readFailedPacks}
        retry={retryPack}
        what={() => null}
        called={(row) => words.pack(row.study.modality, row.study.uid)}
      />
    </>
  );
}
