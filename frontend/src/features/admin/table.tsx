import type { ReactNode } from 'react';
import { ApiError, OfflineError } from '@/api/client';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';

export function wordsOf(error: unknown): string {
  if (error instanceof OfflineError) return text.common.offline;
  if (error instanceof ApiError && error.status === 403) {
    return error.message || text.common.forbidden;
  }
  return error instanceof Error ? error.message : '';
}

/** The part of a query's result that a table needs. */
interface Answer<T> {
  readonly data: readonly T[] | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

export interface QueryTableProps<T> {
  readonly query: Answer<T>;
  readonly name: string;
  readonly heads: readonly string[];
  readonly empty: string;
  readonly children: (row: T) => ReactNode;
}

/** A table of an answer of the portal, with its loading, failed and empty states. */
export function QueryTable<T>({
  query,
  name,
  heads,
  empty,
  children,
}: QueryTableProps<T>) {
  if (query.error) {
    return (
      <Notice
        kind="fail"
        title={text.common.failed(name)}
        actions={
          <button
            type="button"
            className="btn small"
            onClick={() => void query.refetch()}
          >
            {text.common.retry}
          </button>
        }
      >
        {wordsOf(query.error)}
      </Notice>
    );
  }
  const rows = query.data ?? [];
  return (
    <>
      <WideTable label={name} busy={query.isPending}>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head || <span className="visually-hidden">{text.common.actions}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{rows.map(children)}</tbody>
      </WideTable>
      {query.isPending ? (
        <p className="table-words t3">{text.common.loading(name)}</p>
      ) : null}
      {!query.isPending && rows.length === 0 ? (
        <p className="table-words">{empty}</p>
      ) : null}
    </>
  );
}

/** Runs a change, then reads the list again; a refusal is told in its own words. */
export async function carryOut(
  change: () => Promise<unknown>,
  onProblem: (problem: string | null) => void,
): Promise<boolean> {
  try {
    onProblem(null);
    await change();
    return true;
  } catch (error) {
    onProblem(wordsOf(error));
    return false;
  }
}
