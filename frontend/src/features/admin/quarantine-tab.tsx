import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import type { Quarantined } from '@/api/admin-types';
import { readQuarantine } from '@/api/endpoints';
import { formatExact, formatInteger } from '@/domain/format';
import { text } from '@/text/en';
import { held } from '@/text/en-held';
import { HeldDetail } from './held-detail';
import { QueryTable } from './table';

const words = text.admin.quarantine;
const buttonId = (row: Quarantined) => `held-${row.id}`;

/** By which AE titles it came; not every way in has them. */
function Sender({ row }: { row: Quarantined }) {
  if (row.called_aet === '' && row.calling_aet === '') {
    return <span className="t3">{held.notStated}</span>;
  }
  return (
    <>
      {row.called_aet || held.empty}
      <div className="t3">{row.calling_aet || held.empty}</div>
    </>
  );
}

interface HeldListProps {
  /** Whose button has the focus when the list appears: where one came from. */
  readonly from: Quarantined | null;
  readonly onOpen: (row: Quarantined) => void;
}

function HeldList({ from, onOpen }: HeldListProps) {
  const query = useQuery({
    queryKey: ['quarantine'],
    queryFn: readQuarantine,
    refetchInterval: 10_000,
  });
  const first = useRef(from);
  useEffect(() => {
    const row = first.current;
    if (row) document.getElementById(buttonId(row))?.focus();
  }, []);
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <QueryTable
        query={query}
        name={text.admin.tabs.quarantine}
        heads={[
          words.kind,
          words.arrived,
          words.from,
          words.study,
          words.images,
          words.why,
          '',
        ]}
        empty={words.empty}
      >
        {(row) => {
          const open = row.kind === 'unknown_site' ? held.look : held.compare;
          return (
            <tr key={row.id}>
              <td>
                {held.kinds[row.kind]}
                {row.site ? <div className="t3">{row.site.name}</div> : null}
                {row.state === 'accepting' ? (
                  <div className="t3">{held.accepting}</div>
                ) : null}
              </td>
              <td className="when">{formatExact(row.arrived_at)}</td>
              <td className="when">
                <Sender row={row} />
              </td>
              <td>
                {row.modality} <span className="t3 uid">{row.study_uid}</span>
              </td>
              <td>{formatInteger(row.n_images)}</td>
              <td className="t2">{row.reason}</td>
              <td className="end">
                <button
                  id={buttonId(row)}
                  type="button"
                  className="btn small"
                  aria-label={held.open(open, row.study_uid)}
                  onClick={() => onOpen(row)}
                >
                  {open}
                </button>
              </td>
            </tr>
          );
        }}
      </QueryTable>
    </>
  );
}

/** What is held until someone decides: the list, and both sides of one of its rows. */
export function QuarantineTab() {
  const [row, setRow] = useState<Quarantined | null>(null);
  const [from, setFrom] = useState<Quarantined | null>(null);
  if (row) return <HeldDetail row={row} onClose={() => setRow(null)} />;
  return (
    <HeldList
      from={from}
      onOpen={(one) => {
        setFrom(one);
        setRow(one);
      }}
    />
  );
}
