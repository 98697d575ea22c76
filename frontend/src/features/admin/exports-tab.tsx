import { useQuery } from '@tanstack/react-query';
import { readExports } from '@/api/endpoints';
import { formatExact } from '@/domain/format';
import { text } from '@/text/en';
import { QueryTable } from './table';

const words = text.admin.exports;

export function ExportsTab() {
  const query = useQuery({
    queryKey: ['exports', 'failed'],
    queryFn: () => readExports('failed'),
  });
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <QueryTable
        query={query}
        name={text.admin.tabs.exports}
        heads={[words.when, words.kind, words.study, words.state, words.words]}
        empty={words.empty}
      >
        {(row) => (
          <tr key={row.id}>
            <td className="when">{formatExact(row.created_at)}</td>
            <td>
              {words.kinds[row.kind] ?? row.kind}
              <div className="t3">{row.site}</div>
            </td>
            <td className="t3 uid">{row.study_uid}</td>
            <td className="when">
              {words.states[row.state] ?? row.state}{' '}
              <span className="t3">{words.tries(row.attempts)}</span>
            </td>
            <td>
              <pre>{row.problems}</pre>
            </td>
          </tr>
        )}
      </QueryTable>
    </>
  );
}
