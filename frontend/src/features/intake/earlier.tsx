import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { finishIntake, readIntakes } from '@/api/intake-endpoints';
import { formatClock, formatDay, formatInteger } from '@/domain/format';
import { countOf, type Intake } from '@/domain/intake';
import type { Id } from '@/domain/model';
import { useUpload } from '@/state/upload';
import type { ChosenFile } from '@/state/uploader';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
import { carryOut, wordsOf } from '../admin/table';
import { ChooseButton } from './drop-zone';

const words = text.intake.earlier;
const left = text.intake.left;

export const INTAKES_KEY = ['intakes'] as const;

export function useIntakes() {
  return useInfiniteQuery({
    queryKey: INTAKES_KEY,
    queryFn: ({ pageParam }) => readIntakes(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: 15_000,
  });
}

function Row({ intake, chosen }: { intake: Intake; chosen: boolean }) {
  const { counts } = intake;
  const attention = countOf(counts, 'attention');
  const who = intake.by?.display_name ?? words.noOne;
  const state = intake.state === 'done' ? '' : ` · ${words.states[intake.state]}`;
  return (
    <li>
      <Link
        href={`/import/${intake.id}`}
        className="intake-row"
        aria-current={chosen ? 'true' : undefined}
      >
        <span className="l1">
          <b>
            {formatDay(intake.started_at)}, {formatClock(intake.started_at)}
          </b>{' '}
          {intake.site.name}
          {state}
        </span>
        <span className="l2">{words.by(who, words.via[intake.via] ?? intake.via)}</span>
        <span className="l2">
          {words.files(formatInteger(counts.files))} ·{' '}
          {words.stored(formatInteger(counts.stored))} ·{' '}
          {words.already(formatInteger(counts.already))}
          {attention > 0 ? (
            <span className="attention">
              <Glyph name="alert" small />
              {words.attention(formatInteger(attention))}
            </span>
          ) : null}
        </span>
      </Link>
    </li>
  );
}

/** All imports of the person's sites, newest first. */
export function Earlier({ chosen }: { chosen: Id | null }) {
  const query = useIntakes();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="earlier" aria-label={words.title}>
      <h2>{words.title}</h2>
      {query.error ? (
        <Notice
          kind="fail"
          title={text.common.failed(words.title)}
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
      ) : null}
      {query.isPending ? <p className="t3">{text.common.loading(words.title)}</p> : null}
      {query.isSuccess && items.length === 0 ? <p className="t2">{words.empty}</p> : null}
      <ul>
        {items.map((intake) => (
          <Row key={intake.id} intake={intake} chosen={intake.id === chosen} />
        ))}
      </ul>
      {query.hasNextPage ? (
        <button
          type="button"
          className="btn small"
          onClick={() => void query.fetchNextPage()}
        >
          {words.more}
        </button>
      ) : null}
    </section>
  );
}

export interface LeftProps {
  readonly onResume: (intake: Intake, files: readonly ChosenFile[]) => void;
}

/** Imports of one's own that a closed window broke off. */
export function LeftUnfinished({ onResume }: LeftProps) {
  const query = useIntakes();
  const queries = useQueryClient();
  const here = useUpload((state) => (state.phase === 'idle' ? null : state.intake?.id));
  const [problem, setProblem] = useState<string | null>(null);
  const open = (query.data?.pages ?? [])
    .flatMap((page) => page.items)
    .filter(({ id, state, mine, via, counts }) => {
      const begun = counts.files + counts.zips > 0;
      return state === 'open' && mine && begun && via === 'upload' && id !== here;
    });
  return open.map((intake) => (
    <Notice
      key={intake.id}
      kind="warn"
      title={left.title(formatClock(intake.started_at), intake.site.name)}
      actions={
        <>
          <ChooseButton
            folder
            small
            label={left.resume}
            onFiles={(files) => {
              if (files.length > 0) onResume(intake, files);
            }}
          />
          <button
            type="button"
            className="btn small"
            onClick={() =>
              void carryOut(() => finishIntake(intake.id, true), setProblem).then(() =>
                queries.invalidateQueries({ queryKey: INTAKES_KEY }),
              )
            }
          >
            {left.end}
          </button>
        </>
      }
    >
      {left.detail(
        formatInteger(intake.counts.files - intake.counts.waiting),
        formatInteger(intake.counts.files),
      )}
      {problem === null ? null : (
        <p role="alert">
          {left.failed} {problem}
        </p>
      )}
    </Notice>
  ));
}
