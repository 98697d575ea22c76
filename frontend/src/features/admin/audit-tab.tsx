import { TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { AuditQuery, AuditRow } from '@/api/admin-types';
import { readAudit } from '@/api/endpoints';
import { formatExact } from '@/domain/format';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { wordsOf } from './table';

const words = text.admin.audit;
const ALL: AuditQuery = { event: '', actor: '', from: '', to: '', q: '' };

/** A local date and time of a form as an instant; empty stays empty. */
function instantOf(local: string): string {
  const at = new Date(local);
  return local === '' || Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

function FilterForm({ onApply }: { onApply: (query: AuditQuery) => void }) {
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const field = (name: string) => String(form.get(name) ?? '').trim();
    onApply({
      event: field('event'),
      actor: field('actor'),
      from: instantOf(field('from')),
      to: instantOf(field('to')),
      q: field('q'),
    });
  }
  return (
    <form className="line-form" onSubmit={submit}>
      <TextInput name="event" label={words.event} placeholder={words.anyEvent} />
      <TextInput name="actor" label={words.actor} placeholder={words.anyActor} />
      <TextInput name="from" label={words.from} type="datetime-local" />
      <TextInput name="to" label={words.to} type="datetime-local" />
      <TextInput name="q" label={words.q} maxLength={150} />
      <button type="submit" className="btn primary">
        {words.apply}
      </button>
    </form>
  );
}

function subjectOf(row: AuditRow): string {
  const detail =
    row.detail && typeof row.detail === 'object' && Object.keys(row.detail).length > 0
      ? JSON.stringify(row.detail)
      : '';
  const patients = (row.patients ?? []).length;
  return [
    row.object_kind ? `${row.object_kind} ${row.object_id}` : '',
    patients > 0 ? `${patients} patient${patients === 1 ? '' : 's'}` : '',
    detail,
  ]
    .filter(Boolean)
    .join(' · ');
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
      <FilterForm onApply={setAsked} />
      {pages.error ? (
        <Notice kind="fail" title={text.common.failed(text.admin.tabs.audit)}>
          {wordsOf(pages.error)}
        </Notice>
      ) : null}
      <table aria-label={text.admin.tabs.audit} aria-busy={pages.isFetching}>
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
              <td className="when">{row.event}</td>
              <td>
                {row.actor_name} <span className="t3">{row.source_ip ?? ''}</span>
              </td>
              <td>{row.outcome}</td>
              <td className="t2">{subjectOf(row)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!pages.isPending && rows.length === 0 && !pages.error ? (
        <p className="t2">{words.empty}</p>
      ) : null}
      {pages.hasNextPage ? (
        <button type="button" className="btn" onClick={() => void pages.fetchNextPage()}>
          {words.more}
        </button>
      ) : null}
    </>
  );
}
