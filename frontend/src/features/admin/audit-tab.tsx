import { Select, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { AuditQuery, AuditRow } from '@/api/admin-types';
import { readAudit } from '@/api/endpoints';
import { formatExact } from '@/domain/format';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { SealsLine } from './audit-seals';
import { detailWords } from './audit-words';
import { wordsOf } from './table';

const words = text.admin.audit;
const EVENTS = Object.entries(words.events)
  .map(([value, label]) => ({ value, label }))
  .sort((a, b) => a.label.localeCompare(b.label));
const ALL: AuditQuery = { event: '', actor: '', from: '', to: '', q: '' };

/** A local date and time of a form as an instant; empty stays empty. */
function instantOf(local: string): string {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

function FilterForm({ onApply }: { onApply: (query: AuditQuery) => void }) {
  const [event, setEvent] = useState<string | null>(null);

  function submit(sent: FormEvent<HTMLFormElement>): void {
    sent.preventDefault();
    const form = new FormData(sent.currentTarget);
    const field = (name: string) => String(form.get(name) ?? '').trim();
    onApply({
      event: event ?? '',
      actor: field('actor'),
      from: instantOf(field('from')),
      to: instantOf(field('to')),
      q: field('q'),
    });
  }
  return (
    <form className="line-form" onSubmit={submit}>
      <Select
        label={words.event}
        placeholder={words.anyEvent}
        value={event}
        data={EVENTS}
        searchable
        selectFirstOptionOnChange
        clearable
        nothingFoundMessage={words.noEvent}
        w={260}
        onChange={setEvent}
      />
      <TextInput name="actor" label={words.actor} placeholder={words.anyActor} />
      <TextInput name="from" label={words.from} type="datetime-local" />
      <TextInput name="to" label={words.to} type="datetime-local" />
      <TextInput
        name="q"
        label={words.q}
        placeholder={words.qHint}
        maxLength={150}
        w={250}
      />
      <button type="submit" className="btn primary">
        {words.apply}
      </button>
    </form>
  );
}

function Subject({ row }: { row: AuditRow }) {
  const patients = (row.patients ?? []).length;
  const said = [patients > 0 ? words.patients(patients) : '', detailWords(row.detail)];
  return (
    <>
      {said.filter(Boolean).join(' · ')}
      {row.object_kind && row.object_id ? (
        <div className="t3 uid">
          {row.object_kind.replaceAll('_', ' ')}{' '}
          <span className="mono">{row.object_id}</span>
        </div>
      ) : null}
    </>
  );
}

export function AuditTab() {
  const [asked, setAsked] = useState(ALL);
  const pages = useInfiniteQuery({
    queryKey: ['audit', asked],
    queryFn: ({ pageParam }) => readAudit(asked, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <SealsLine />
      <FilterForm onApply={setAsked} />
      {pages.error ? (
        <Notice kind="fail" title={text.common.failed(text.admin.tabs.audit)}>
          {wordsOf(pages.error)}
        </Notice>
      ) : null}
      <WideTable label={text.admin.tabs.audit} busy={pages.isFetching}>
        <thead>
          <tr>
            {[words.at, words.event, words.actor, words.outcome, words.subject].map(
              (head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td className="when">{formatExact(row.at)}</td>
              <td className="when">
                {words.events[row.event] ?? row.event}
                <div className="t3">{row.event}</div>
              </td>
              <td>
                {row.actor_name}
                <div className="t3">
                  {row.source_ip ?? ''} {row.as_superuser ? words.asSuperuser : ''}
                </div>
              </td>
              <td>{words.outcomes[row.outcome] ?? row.outcome}</td>
              <td className="t2">
                <Subject row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </WideTable>
      {!pages.isPending && rows.length === 0 && !pages.error ? (
        <p className="table-words">{words.empty}</p>
      ) : null}
      {pages.isPending ? (
        <p className="table-words">{text.common.loading(text.admin.tabs.audit)}</p>
      ) : null}
      {pages.hasNextPage ? (
        <button type="button" className="btn" onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </button>
      ) : null}
    </>
  );
}
