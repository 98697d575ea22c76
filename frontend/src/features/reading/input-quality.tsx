import type { AiRun, InputCheck } from '../../domain/model';
import { quality as words } from '../../text/en-quality';

/** One check: what it is, how it went, what was measured. */
function Line({ check }: { check: InputCheck }) {
  return (
    <li>
      {words.name(check.name)}: {words.outcomes[check.outcome]}
      {check.value === null ? null : (
        <span className="t3">
          {' '}
          ({words.measured(check.value, check.limit, check.unit)})
        </span>
      )}
      {check.words === '' ? null : <span className="t2"> {check.words}</span>}
    </li>
  );
}

/** What the gate said of a run's input; open by itself when a person should know. */
export function InputQuality({ run }: { run: AiRun }) {
  if (run.quality === null || run.quality === undefined) return null;
  const { checks } = run.quality;
  const noted = checks.filter((check) => check.outcome !== 'passed').length;
  return (
    <details className="panel-word input-quality">
      <summary>{words.title(noted)}</summary>
      <ul>
        {checks.map((check) => (
          <Line key={check.name} check={check} />
        ))}
      </ul>
    </details>
  );
}
