import '../admin/admin.css';
import './signed.css';
import { TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Fragment, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { readSigned, type SignedReading } from '@/api/signed-endpoints';
import { formatDay, formatExact } from '@/domain/format';
import { type Edition, isPreliminary } from '@/domain/model';
import { wordAgo } from '@/domain/wait';
import { QueryTable } from '@/features/admin/table';
import { DoneMessage } from '@/features/shell/done-message';
import { useNow } from '@/state/clock';
import { TO_LOOK_AT } from '@/state/looking';
import { takeMessage } from '@/state/message';
import { onEvents } from '@/state/site-events';
import { looking } from '@/text/en-looking';
import { signed as words } from '@/text/en-signed';
import { verifying } from '@/text/en-verify';
import { Glyph } from '@/ui/glyph';
import { Segments } from '@/ui/primitives';
import { AmendDialog } from './amend-dialog';
import { ReportLinks } from './report-links';

const SIGNED_KEY = 'signed-readings';

/** That nobody answers for it yet, or who does besides its reader. */
function Verified({ said }: { said: SignedReading['verification'] }) {
  if (said?.state === 'verified' && said.decided_at) {
    const at = formatExact(said.decided_at);
    return <div className="t3">{verifying.verified(said.decided_by, at)}</div>;
  }
  if (!isPreliminary(said)) return null;
  const back = said?.state === 'sent_back';
  return (
    <div>
      <span className="edition preliminary">
        {back ? verifying.sentBack : verifying.preliminary}
      </span>
      {back ? (
        <div className="t3">{verifying.list.reason(said.decided_by, said.reason)}</div>
      ) : null}
    </div>
  );
}

function Version({ reading }: { reading: SignedReading }) {
  const amended = reading.edition > 1;
  return (
    <td>
      <span className={amended ? 'edition amended' : 'edition'}>
        {amended ? <Glyph name="pencil" small /> : null} {words.version(reading.edition)}
      </span>
      {amended ? (
        <div className="t3">{words.because(reading.reason, reading.reason_text)}</div>
      ) : null}
      <Verified said={reading.verification} />
    </td>
  );
}

function Actions({ reading, onAmend }: { reading: SignedReading; onAmend: () => void }) {
  if (reading.amended_by !== null && !reading.mine) {
    return <span className="t3">{words.amending(reading.amended_by)}</span>;
  }
  if (!reading.may_amend) return null;
  return (
    <button
      type="button"
      className="btn small"
      aria-label={words.amendLabel(
        reading.patient.name,
        reading.study.description || reading.study.modality,
      )}
      onClick={onAmend}
    >
      {words.amend}
    </button>
  );
}

/** A version that a later one superseded: readable, and marked as what it is. */
function Before({ reading, patient }: { reading: Edition; patient: string }) {
  return (
    <tr className="superseded">
      <td className="when" title={formatExact(reading.signed_at)}>
        {formatDay(reading.signed_at)}
      </td>
      <td />
      <td />
      <td>{reading.signed_by}</td>
      <td>
        <s>{words.superseded(reading.edition)}</s>
      </td>
      <td className="end">
        <ReportLinks
          reading={reading.id}
          version={words.superseded(reading.edition)}
          patient={patient}
        />
      </td>
    </tr>
  );
}

function Line({ reading, onAmend }: { reading: SignedReading; onAmend: () => void }) {
  const now = useNow();
  const { patient, study } = reading;
  return (
    <Fragment>
      <tr>
        <td className="when" title={formatExact(reading.signed_at)}>
          {wordAgo(reading.signed_at, now)}
        </td>
        <td>
          {patient.name} <span className="t3">{patient.id}</span>
        </td>
        <td>
          {study.description || study.modality}{' '}
          <span className="t3">
            {[study.modality, study.accession_number, reading.site.name]
              .filter(Boolean)
              .join(' · ')}
          </span>
        </td>
        <td>{reading.signed_by}</td>
        <Version reading={reading} />
        <td className="end">
          <ReportLinks
            reading={reading.id}
            version={words.version(reading.edition)}
            patient={patient.name}
          />
          {reading.item_id === null ? null : (
            <Link
              className="btn small"
              href={`/read/${reading.item_id}`}
              state={TO_LOOK_AT}
              aria-label={looking.openLabel(
                patient.name,
                study.description || study.modality,
              )}
            >
              {looking.open}
            </Link>
          )}
          <Actions reading={reading} onAmend={onAmend} />
        </td>
      </tr>
      {reading.before.map((one) => (
        <Before key={one.id} reading={one} patient={patient.name} />
      ))}
    </Fragment>
  );
}

function useSigned(mine: boolean, found: string) {
  const query = useInfiniteQuery({
    queryKey: [SIGNED_KEY, mine, found],
    queryFn: ({ pageParam }) => readSigned({ mine, words: found }, pageParam),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
  });
  const { refetch } = query;
  useEffect(() => onEvents('item', () => void refetch()), [refetch]);
  return query;
}

function emptyWords(mine: boolean, found: string): string {
  if (found) return words.emptyFound(found);
  return mine ? words.emptyMine : words.empty;
}

/** The word that the room left; taken once this page is really there. */
function useMessage() {
  const [message, setMessage] = useState<string | null>(null);
  useEffect(() => {
    const left = takeMessage();
    if (left !== null) setMessage(left);
  }, []);
  return [message, setMessage] as const;
}

/** What was signed, newest first, with its earlier versions; from here it is amended. */
export function SignedPage() {
  const [message, setMessage] = useMessage();
  const [mine, setMine] = useState(true);
  const [typed, setTyped] = useState('');
  const [found] = useDebouncedValue(typed.trim(), 250);
  const [asked, setAsked] = useState<SignedReading | null>(null);
  const query = useSigned(mine, found);
  const { heads } = words;
  return (
    <div className="admin signed-page">
      <div className="admin-body">
        <h1 className="page-title">{words.title}</h1>
        <p className="admin-intro">{words.intro}</p>
        <DoneMessage message={message} onClose={() => setMessage(null)} />
        <div className="signed-tools">
          <Segments
            label={words.whose}
            value={mine ? 'mine' : 'all'}
            choices={[
              { value: 'mine', label: words.mine },
              { value: 'all', label: words.all },
            ]}
            onChoose={(choice) => setMine(choice === 'mine')}
          />
          <TextInput
            type="search"
            aria-label={words.search}
            placeholder={words.search}
            value={typed}
            maxLength={100}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
        <QueryTable
          query={{ ...query, data: query.data?.pages.flatMap((page) => page.items) }}
          name={words.list}
          heads={[heads.at, heads.patient, heads.study, heads.by, heads.version, '']}
          empty={emptyWords(mine, found)}
        >
          {(one) => <Line key={one.id} reading={one} onAmend={() => setAsked(one)} />}
        </QueryTable>
        {query.hasNextPage ? (
          <div className="signed-more">
            <button
              type="button"
              className="btn"
              onClick={() => void query.fetchNextPage()}
            >
              {words.more}
            </button>
          </div>
        ) : null}
      </div>
      {asked ? (
        <AmendDialog
          reading={asked}
          reasons={query.data?.pages[0]?.reasons ?? []}
          onClose={() => setAsked(null)}
        />
      ) : null}
    </div>
  );
}
