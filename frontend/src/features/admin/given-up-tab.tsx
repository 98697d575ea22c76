import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import {
  readFailedComparisons,
  readFailedExplanations,
  readFailedInterpolations,
  readFailedPacks,
  readFailedRuns,
  retryComparison,
  retryExplanation,
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
import { type Asked, askEach } from './ask-each';
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

interface RetryAllProps {
  readonly name: string;
  /** Rows that are shown. */
  readonly n: number;
  /** How far it is; null while nothing is asked. */
  readonly round: Asked | null;
  readonly onRetry: () => void;
}

/** After an outage there are hundreds: nobody presses a button for each. */
function RetryAll({ name, n, round, onRetry }: RetryAllProps) {
  if (n < 2 && round === null) return null;
  return (
    <button
      type="button"
      className="btn small"
      disabled={round !== null}
      aria-label={words.retryAllLabel(n, name)}
      onClick={onRetry}
    >
      {round === null ? words.retryAll(n) : words.asking(round.done, round.of)}
    </button>
  );
}

function WorkList<T extends PackWork>(props: ListProps<T>) {
  const mayRetry = useCan()('dead_letter:retry');
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  const [round, setRound] = useState<Asked | null>(null);
  const key = ['given-up', props.name];
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => props.read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });

  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const busy = round !== null;

  async function retry(id: Id): Promise<void> {
    setAsked(await carryOut(() => props.retry(id), setProblem));
    await queries.invalidateQueries({ queryKey: key });
  }

  async function retryAll(): Promise<void> {
    setProblem(null);
    setAsked(false);
    const ids = rows.map((row) => row.id);
    const found = await askEach(ids, props.retry, setRound);
    setRound(null);
    setAsked(found.done > found.refused);
    if (found.refused > 0) setProblem(words.refused(found.refused, found.of));
    await queries.invalidateQueries({ queryKey: key });
  }

  const middle = props.head === null ? [] : [props.head];
  return (
    <section className="work" aria-label={props.name}>
      <div className="work-head">
        <h2>{props.name}</h2>
        {mayRetry ? (
          <RetryAll
            name={props.name}
            n={rows.length}
            round={round}
            onRetry={() => void retryAll()}
          />
        ) : null}
      </div>
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      {asked ? <p role="status">{words.askedAgain}</p> : null}
      <QueryTable
        query={{ ...pages, data: pages.data && rows }}
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
              {row.study.modality} · {words.revision(row.study.revision)}
              <span className="t3 uid work-uid">{row.study.uid}</span>
            </td>
            <td className="when">{row.site.name}</td>
            <td className="t2">{row.reason}</td>
            <td className="when">{words.times(row.attempts)}</td>
            <td className="end">
              {mayRetry ? (
                <button
                  type="button"
                  className="btn small"
                  disabled={busy}
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
        name={words.explanations}
        empty={words.noExplanations}
        head={words.model}
        read={readFailedExplanations}
        retry={retryExplanation}
        what={modelOf}
        called={(row) => words.explanation(modelOf(row), row.study.uid)}
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
