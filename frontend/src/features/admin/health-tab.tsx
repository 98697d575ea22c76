import { useQuery } from '@tanstack/react-query';
import { readHealth } from '@/api/endpoints';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { QueryTable } from './table';

const GOOD = new Set(['ok', 'up', 'healthy', 'ready']);
const WARN = new Set(['warn', 'warning', 'degraded', 'slow', 'unknown']);

function PartState({ state }: { state: string }) {
  const kind = GOOD.has(state) ? 'ok' : WARN.has(state) ? 'warn' : 'bad';
  return (
    <span className={`part-state ${kind}`}>
      <Glyph name={kind === 'ok' ? 'check' : 'alert'} small />
      {text.admin.health.states[state] ?? state}
    </span>
  );
}

export function HealthTab() {
  const health = useQuery({
    queryKey: ['health'],
    queryFn: readHealth,
    refetchInterval: 10_000,
  });
  const words = text.admin.health;
  return (
    <>
      <p className="admin-intro">
        {words.overall}: {health.data ? <PartState state={health.data.status} /> : '…'}{' '}
        <span className="t3">{words.renewed}</span>
      </p>
      <QueryTable
        query={{ ...health, data: health.data?.parts ?? [] }}
        name={text.admin.tabs.health}
        heads={[words.part, words.state, words.detail]}
        empty={words.none}
      >
        {(part) => (
          <tr key={part.name}>
            <td>{words.parts[part.name] ?? part.name}</td>
            <td>
              <PartState state={part.state} />
            </td>
            <td className="t2">{part.detail}</td>
          </tr>
        )}
      </QueryTable>
    </>
  );
}
