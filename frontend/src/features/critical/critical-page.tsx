import '../admin/admin.css';
import './critical.css';
import { useState } from 'react';
import type { Critical, Told } from '@/api/critical-endpoints';
import { formatExact } from '@/domain/format';
import { wordAgo } from '@/domain/wait';
import { QueryTable } from '@/features/admin/table';
import { useNow } from '@/state/clock';
import { useCriticalList, useCriticalRefresh } from '@/state/critical';
import { useCan } from '@/state/session';
import { critical as words } from '@/text/en-critical';
import { CloseDialog } from './close-dialog';

function Whose({ result }: { result: Critical }) {
  const { patient, study } = result;
  return (
    <>
      <td>
        {patient.name} <span className="t3">{patient.id}</span>
      </td>
      <td>
        {study.description || study.modality}{' '}
        <span className="t3">{result.site.name}</span>
      </td>
    </>
  );
}

function Places({ n }: { n: number }) {
  return n > 1 ? <span className="t3">{words.places(n)}</span> : null;
}

function OpenRow({ result, onClose }: { result: Critical; onClose: () => void }) {
  const now = useNow();
  const may = useCan()('critical:close');
  return (
    <tr>
      <td>
        <b>{result.label.display}</b> <Places n={result.n_places} />
      </td>
      <Whose result={result} />
      <td>{result.reader.display_name}</td>
      <td className="when" title={formatExact(result.raised_at)}>
        {wordAgo(result.raised_at, now)}
      </td>
      <td>{result.reminders}</td>
      <td className="end">
        {may ? (
          <button
            type="button"
            className="btn small"
            aria-label={words.recordLabel(result.label.display, result.patient.name)}
            onClick={onClose}
          >
            {words.record}
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function readBack(told: Told): string {
  if (told.read_back === null) return '';
  return told.read_back ? words.yes : words.no;
}

function ClosedRow({ result, told }: { result: Critical; told: Told }) {
  const who = [told.told_to || words.nobody, told.told_role].filter(Boolean).join(', ');
  const how = told.how || [told.reason, told.reason_text].filter(Boolean).join(': ');
  return (
    <tr>
      <td>
        {result.label.display} <Places n={result.n_places} />
      </td>
      <Whose result={result} />
      <td>{who}</td>
      <td className="when">
        {how} {told.told_at ? formatExact(told.told_at) : ''}
      </td>
      <td>{readBack(told)}</td>
      <td title={formatExact(told.closed_at)}>{told.closed_by?.display_name ?? ''}</td>
    </tr>
  );
}

/** Critical results of my sites: those that nobody was told of first. */
export function CriticalPage() {
  useCriticalRefresh();
  const open = useCriticalList('open');
  const closed = useCriticalList('closed');
  const [asked, setAsked] = useState<Critical | null>(null);
  const { heads } = words;
  const shared = [heads.finding, heads.patient, heads.study];
  return (
    <div className="admin critical-page">
      <div className="admin-body">
        <h1 className="page-title">{words.title}</h1>
        <p className="admin-intro">{words.intro}</p>
        <h2>{words.open}</h2>
        <QueryTable
          query={{ ...open, data: open.data?.items }}
          name={words.open}
          heads={[...shared, heads.reader, heads.since, heads.reminders, '']}
          empty={words.empty}
        >
          {(one) => <OpenRow key={one.id} result={one} onClose={() => setAsked(one)} />}
        </QueryTable>
        <h2>{words.closed}</h2>
        <QueryTable
          query={{ ...closed, data: closed.data?.items }}
          name={words.closed}
          heads={[...shared, heads.told, heads.how, heads.back, heads.by]}
          empty={words.emptyClosed}
        >
          {(one) =>
            one.told ? <ClosedRow key={one.id} result={one} told={one.told} /> : null
          }
        </QueryTable>
      </div>
      {asked && open.data ? (
        <CloseDialog result={asked} choices={open.data} onClose={() => setAsked(null)} />
      ) : null}
    </div>
  );
}
