import type { ArrivalRefusal, UnreadArrival } from '@/api/held-types';
import { formatBytes, formatExact, formatInteger } from '@/domain/format';
import { refused, unread } from '@/text/en-unread';
import { WideTable } from '@/ui/wide-table';

function Heads({ heads }: { heads: readonly string[] }) {
  return (
    <thead>
      <tr>
        {heads.map((head) => (
          <th key={head} scope="col">
            {head}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Files that were kept because their UIDs were taken, and that nobody can read. */
export function Unread({ rows }: { rows: readonly UnreadArrival[] }) {
  if (rows.length === 0) return null;
  return (
    <section className="admin-more" aria-label={unread.title}>
      <h2>{unread.title}</h2>
      <p className="admin-intro">{unread.intro}</p>
      <WideTable label={unread.name}>
        <Heads heads={[unread.when, unread.why, unread.size, unread.file]} />
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <td className="when">{formatExact(row.arrived_at)}</td>
              <td>{row.reason}</td>
              <td>{formatBytes(row.size)}</td>
              <td className="t2" title={row.name}>
                {row.name.slice(0, 12)}…
              </td>
            </tr>
          ))}
        </tbody>
      </WideTable>
    </section>
  );
}

/** What the archive refused, by sender and reason. */
export function Refused({ rows }: { rows: readonly ArrivalRefusal[] }) {
  return (
    <section className="admin-more" aria-label={refused.title}>
      <h2>{refused.title}</h2>
      <p className="admin-intro">{refused.intro}</p>
      <WideTable label={refused.name}>
        <Heads
          heads={[refused.last, refused.sender, refused.why, refused.n, refused.first]}
        />
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <td className="when">{formatExact(row.last_at)}</td>
              <td>{row.sender || refused.unnamed}</td>
              <td>{row.reason}</td>
              <td>{formatInteger(row.n)}</td>
              <td className="when t2">{formatExact(row.first_at)}</td>
            </tr>
          ))}
        </tbody>
      </WideTable>
      {rows.length === 0 ? <p className="table-words">{refused.empty}</p> : null}
    </section>
  );
}
