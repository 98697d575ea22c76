import '../admin/admin.css';
import '../signed/signed.css';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { Link } from 'wouter';
import { readUnverified, type SignedReading } from '@/api/signed-endpoints';
import { toggleUnverified } from '@/commands/worklist/toggle-unverified';
import { formatExact } from '@/domain/format';
import { wordAgo } from '@/domain/wait';
import { QueryTable } from '@/features/admin/table';
import { CommandKey } from '@/features/shell/command-key';
import { DoneMessage } from '@/features/shell/done-message';
import { useNow } from '@/state/clock';
import { takeMessage } from '@/state/message';
import { onEvents } from '@/state/site-events';
import { toggleUnverifiedShown, useUnverifiedShown } from '@/state/unverified';
import { verifying } from '@/text/en-verify';

const words = verifying.list;
const EVERY_MS = 30_000;

function useUnverified() {
  return useQuery({
    queryKey: ['unverified'],
    queryFn: readUnverified,
    refetchInterval: EVERY_MS,
  });
}

/** Beside the filters: how many preliminary readings wait; it shows them. */
export function UnverifiedChip() {
  const said = useUnverified().data;
  const shown = useUnverifiedShown((state) => state.shown);
  const n = said?.items.length ?? 0;
  if (!said || (n === 0 && !shown)) return null;
  return (
    <span className={shown ? 'chip on' : 'chip'}>
      <button type="button" aria-pressed={shown} onClick={toggleUnverifiedShown}>
        {said.may_verify ? words.chip : words.chipBack}
        <b>{words.count(n, said.more)}</b>
        <CommandKey command={toggleUnverified} />
      </button>
    </span>
  );
}

function Line({ one }: { one: SignedReading }) {
  const now = useNow();
  const { patient, study, verification: said } = one;
  const name = study.description || study.modality;
  const since = said?.decided_at ?? said?.asked_at ?? one.signed_at;
  return (
    <tr>
      <td className="when" title={formatExact(since)}>
        {wordAgo(since, now)}
      </td>
      <td>
        {patient.name} <span className="t3">{patient.id}</span>
      </td>
      <td>
        {name}{' '}
        <span className="t3">
          {[study.modality, study.accession_number, one.site.name]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </td>
      <td>{one.signed_by}</td>
      <td>
        <span className="edition preliminary">
          {one.mine ? words.toAmend : words.toVerify}
        </span>
        {said?.reason ? (
          <div className="t3">{words.reason(said.decided_by, said.reason)}</div>
        ) : null}
      </td>
      <td className="end">
        {one.item_id === null ? null : (
          <Link
            className="btn small"
            href={one.mine ? '/signed' : `/read/${one.item_id}`}
            aria-label={words.openLabel(patient.name, name)}
          >
            {words.open}
          </Link>
        )}
      </td>
    </tr>
  );
}

/** In the list's place: the preliminary readings that wait, the oldest first. */
export function Unverified() {
  const query = useUnverified();
  const { refetch } = query;
  const [message, setMessage] = useState<string | null>(null);
  const top = useRef<HTMLDivElement>(null);
  useEffect(() => onEvents('item', () => void refetch()), [refetch]);
  useEffect(() => setMessage(takeMessage()), []);
  const there = query.data !== undefined;
  useEffect(() => {
    if (there) top.current?.querySelector<HTMLElement>('tbody a')?.focus();
  }, [there]);
  const { heads } = words;
  return (
    <div className="admin unverified" ref={top}>
      <div className="admin-body">
        <div className="unverified-head">
          <h2>{words.title}</h2>
          <button type="button" className="btn small" onClick={toggleUnverifiedShown}>
            {words.back}
          </button>
        </div>
        <DoneMessage message={message} onClose={() => setMessage(null)} />
        <QueryTable
          query={{ ...query, data: query.data?.items }}
          name={words.title}
          heads={[heads.waiting, heads.patient, heads.study, heads.by, words.state, '']}
          empty={words.empty}
        >
          {(one) => <Line key={one.id} one={one} />}
        </QueryTable>
      </div>
    </div>
  );
}
