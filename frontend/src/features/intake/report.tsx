// biome-ignore-all lint/a11y/useSemanticElements: lines are drawn only where seen, at places of their own, which a <table> cannot
// biome-ignore-all lint/a11y/useFocusableInteractive: the list scrolls by keys as a whole; its lines have nothing to do
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState } from 'react';
import { readReport } from '@/api/intake-endpoints';
import { formatBytes, formatClock, formatDay, formatInteger } from '@/domain/format';
import {
  countOf,
  csvOf,
  type FileStatus,
  type Intake,
  type IntakeFile,
  REPORT_FILTERS,
  type ReportFilter,
} from '@/domain/intake';
import type { Id } from '@/domain/model';
import { useUpload } from '@/state/upload';
import { text } from '@/text/en';
import { Glyph, type GlyphName } from '@/ui/glyph';
import { Notice } from '@/ui/primitives';
import { wordsOf } from '../admin/table';

const words = text.intake.report;
const LINE = 42;
const PAGE = 200;
const CSV_PAGE = 1000;
const RENEW_MS = 3000;
const FILTERS = Object.keys(REPORT_FILTERS) as readonly ReportFilter[];

const LOOKS: Readonly<Record<FileStatus, { glyph: GlyphName; kind: string }>> = {
  stored: { glyph: 'check', kind: 'ok' },
  already: { glyph: 'info', kind: 'off' },
  conflict: { glyph: 'alert', kind: 'warn' },
  refused: { glyph: 'cross', kind: 'bad' },
  skipped: { glyph: 'none', kind: 'off' },
  opened: { glyph: 'plus', kind: 'off' },
  missing: { glyph: 'alert', kind: 'warn' },
};

function StatusWord({ file }: { file: IntakeFile }) {
  if (file.status === null) return <span className="t3">{words.waiting}</span>;
  const { glyph, kind } = LOOKS[file.status];
  return (
    <span className={`file-status ${kind}`}>
      <Glyph name={glyph} small />
      {words.statuses[file.status]}
    </span>
  );
}

function reasonOf({ reason, members }: IntakeFile): string {
  if (!members) return reason;
  const inside = words.members(formatInteger(members.done), formatInteger(members.total));
  return [inside, reason].filter(Boolean).join('. ');
}

function Line({ file, top, place }: { file: IntakeFile; top: number; place: number }) {
  const reason = reasonOf(file);
  return (
    <div
      role="row"
      aria-rowindex={place + 2}
      className="report-line"
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell" className="path cut" title={file.name}>
        <bdi>{file.name}</bdi>
      </span>
      <span role="cell" className="size">
        {formatBytes(file.size)}
      </span>
      <span role="cell">
        <StatusWord file={file} />
      </span>
      <span role="cell" className="why" title={reason}>
        {reason}
      </span>
    </div>
  );
}

function useFiles(intake: Id, filter: ReportFilter, open: boolean) {
  return useInfiniteQuery({
    queryKey: ['intakes', intake, 'files', filter],
    queryFn: ({ pageParam, signal }) =>
      readReport(
        intake,
        { statuses: REPORT_FILTERS[filter], cursor: pageParam, limit: PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.files.next_cursor,
    // A long list is not read anew again and again: its first pages are enough to follow.
    refetchInterval: (query) =>
      open && (query.state.data?.pages.length ?? 0) <= 3 ? RENEW_MS : false,
  });
}

function emptyWords(filter: ReportFilter, intake: Intake): string {
  if (intake.state === 'open' && filter !== 'attention') return words.empty.waiting;
  return filter === 'attention' ? words.empty.attention : words.empty.other;
}

function Lines({ intake, filter }: { intake: Intake; filter: ReportFilter }) {
  const scroller = useRef<HTMLDivElement>(null);
  const query = useFiles(intake.id, filter, intake.state === 'open');
  const { refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = query;
  const files = query.data?.pages.flatMap((page) => page.files.items) ?? [];
  const virtual = useVirtualizer({
    count: files.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: 10,
  });
  const seen = virtual.getVirtualItems();
  const last = seen.at(-1)?.index ?? 0;

  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= files.length - 50) {
      void fetchNextPage();
    }
  }, [last, files.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  // The end of an import changes its report once more.
  const { state } = intake;
  useEffect(() => {
    if (state !== 'open') void refetch();
  }, [state, refetch]);

  if (query.error) {
    return (
      <Notice
        kind="fail"
        title={text.common.failed(words.name)}
        actions={
          <button type="button" className="btn small" onClick={() => void refetch()}>
            {text.common.retry}
          </button>
        }
      >
        {wordsOf(query.error)}
      </Notice>
    );
  }
  return (
    <div
      role="table"
      aria-label={words.name}
      aria-busy={query.isPending}
      aria-rowcount={countOf(intake.counts, filter) + 1}
      className="report-table"
    >
      <div role="row" className="report-line head">
        <span role="columnheader">{words.columns.name}</span>
        <span role="columnheader" className="size">
          {words.columns.size}
        </span>
        <span role="columnheader">{words.columns.status}</span>
        <span role="columnheader">{words.columns.reason}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys scroll it */}
      <div className="report-scroll" ref={scroller} role="rowgroup" tabIndex={0}>
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {seen.map(({ index, start }) => {
            const file = files[index];
            return file ? (
              <Line key={file.id} file={file} top={start} place={index} />
            ) : null;
          })}
        </div>
        {query.isSuccess && files.length === 0 ? (
          <p className="report-empty">{emptyWords(filter, intake)}</p>
        ) : null}
        {query.isPending ? (
          <p className="report-empty">{text.common.loading(words.name)}</p>
        ) : null}
      </div>
    </div>
  );
}

/** Reads every line of a report and hands it to the browser as one CSV file. */
async function download(intake: Intake, onCount: (n: number) => void): Promise<void> {
  const files: IntakeFile[] = [];
  let cursor: string | null = null;
  do {
    const query = { statuses: [], cursor, limit: CSV_PAGE };
    const page: Awaited<ReturnType<typeof readReport>> = await readReport(
      intake.id,
      query,
    );
    files.push(...page.files.items);
    onCount(files.length);
    cursor = page.files.next_cursor;
  } while (cursor !== null);
  const url = URL.createObjectURL(
    new Blob(['\ufeff', csvOf(files)], { type: 'text/csv;charset=utf-8' }),
  );
  const link = document.createElement('a');
  link.href = url;
  link.download = `import-${intake.started_at.slice(0, 16).replaceAll(':', '')}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}

function CsvButton({ intake }: { intake: Intake }) {
  const [count, setCount] = useState<number | null>(null);
  const [failed, setFailed] = useState(false);
  async function run(): Promise<void> {
    setFailed(false);
    setCount(0);
    await download(intake, setCount).catch(() => setFailed(true));
    setCount(null);
  }
  return (
    <>
      {failed ? (
        <span role="alert" className="file-status bad">
          <Glyph name="alert" small />
          {words.csvFailed}
        </span>
      ) : null}
      <button
        type="button"
        className="btn small"
        aria-disabled={count !== null}
        onClick={() => {
          if (count === null) void run();
        }}
      >
        {count === null ? words.csv : words.csvWorking(formatInteger(count))}
      </button>
    </>
  );
}

interface FiltersProps {
  readonly intake: Intake;
  readonly value: ReportFilter;
  readonly onChoose: (filter: ReportFilter) => void;
}

function Filters({ intake, value, onChoose }: FiltersProps) {
  return (
    <fieldset className="seg" aria-label={words.filter}>
      {FILTERS.map((filter) => (
        <button
          key={filter}
          type="button"
          aria-pressed={filter === value}
          onClick={() => onChoose(filter)}
        >
          {words.filters[filter]}{' '}
          <b className="n">{formatInteger(countOf(intake.counts, filter))}</b>
        </button>
      ))}
    </fieldset>
  );
}

/** The intake with its newest sums: those of the upload here, else the portal's. */
function useIntake(id: Id): Intake | null {
  const mine = useUpload((state) => (state.intake?.id === id ? state.intake : null));
  const { data } = useQuery({
    queryKey: ['intakes', id],
    queryFn: ({ signal }) =>
      readReport(id, { statuses: [], cursor: null, limit: 1 }, signal),
    enabled: mine === null,
    refetchInterval: (query) => (query.state.data?.state === 'open' ? RENEW_MS : false),
  });
  return mine ?? data ?? null;
}

function Body({ intake }: { intake: Intake }) {
  const [chosen, setChosen] = useState<ReportFilter | null>(null);
  // Until somebody chooses: what needs a look, else everything.
  const filter =
    chosen ?? (countOf(intake.counts, 'attention') > 0 ? 'attention' : 'all');
  return (
    <>
      <header className="report-head">
        <h2>
          {words.title}{' '}
          <span className="t3">
            {intake.site.name}, {formatDay(intake.started_at)},{' '}
            {formatClock(intake.started_at)}
          </span>
        </h2>
        <span className="grow" />
        <CsvButton intake={intake} />
      </header>
      <Filters intake={intake} value={filter} onChoose={setChosen} />
      <Lines key={filter} intake={intake} filter={filter} />
    </>
  );
}

/** What became of each file of one import. */
export function Report({ id }: { id: Id | null }) {
  return (
    <section className="report" aria-label={words.title}>
      {id === null ? <p className="report-empty">{words.none}</p> : <ReportOf id={id} />}
    </section>
  );
}

function ReportOf({ id }: { id: Id }) {
  const intake = useIntake(id);
  if (!intake) return <p className="report-empty">{text.common.loading(words.name)}</p>;
  return <Body intake={intake} />;
}
