import { NumberInput, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { readPolicy, type SitePolicy, setPolicy } from '@/api/people-endpoints';
import { type Entered, entered } from '@/domain/entered';
import { type RuleProblem, ruleProblems } from '@/domain/list-rules';
import type { Id } from '@/domain/model';
import { text } from '@/text/en';
import { people } from '@/text/en-people';
import { Notice } from '@/ui/primitives';
import { SiteSelect, useOneSite } from './one-site';
import { carryOut, wordsOf } from './table';

const words = people.policy;

type Field = keyof SitePolicy;

type Draft = Readonly<Record<Field, Entered>>;

interface FieldsProps {
  readonly policy: Draft;
  readonly problems: ReadonlyMap<string, RuleProblem>;
  readonly onChange: (name: Field, value: Entered) => void;
}

function errorOf({ problems }: FieldsProps, name: Field): string | undefined {
  const problem = problems.get(name);
  return problem && words.problems[problem];
}

const DEADLINES: readonly (readonly [Field, string])[] = [
  ['stat_deadline_s', words.stat],
  ['priority_deadline_s', words.priority],
  ['routine_deadline_s', words.routine],
];
const WEIGHTS: readonly (readonly [Field, string])[] = [
  ['critical_weight', words.critical],
  ['urgent_weight', words.urgent],
  ['routine_weight', words.routineFinding],
];

const secondsOf = (minutes: Entered) =>
  minutes === null ? null : Math.round(minutes * 60);
const minutesOf = (seconds: Entered) => (seconds === null ? '' : seconds / 60);

function Deadlines(props: FieldsProps) {
  const { policy, onChange } = props;
  return (
    <fieldset className="policy-part">
      <legend>{words.deadlines}</legend>
      <div className="policy-row">
        {DEADLINES.map(([name, label]) => (
          <NumberInput
            key={name}
            label={label}
            error={errorOf(props, name)}
            value={minutesOf(policy[name])}
            min={1}
            max={43_200}
            decimalScale={1}
            onChange={(value) => onChange(name, secondsOf(entered(value)))}
          />
        ))}
      </div>
    </fieldset>
  );
}

function Fraction(props: FieldsProps & { name: Field; label: string; hint?: string }) {
  return (
    <NumberInput
      label={props.label}
      description={props.hint}
      error={errorOf(props, props.name)}
      value={props.policy[props.name] ?? ''}
      min={0}
      max={1}
      step={0.05}
      decimalScale={3}
      onChange={(value) => props.onChange(props.name, entered(value))}
    />
  );
}

function Weights(props: FieldsProps) {
  return (
    <fieldset className="policy-part">
      <legend>{words.weights}</legend>
      <p className="t3">{words.weightsHint}</p>
      <div className="policy-row">
        {WEIGHTS.map(([name, label]) => (
          <Fraction key={name} {...props} name={name} label={label} />
        ))}
      </div>
    </fieldset>
  );
}

function PolicyForm({ site, known }: { site: Id; known: SitePolicy }) {
  const queries = useQueryClient();
  const [policy, setDraft] = useState<Draft>(known);
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [saved, setSaved] = useState('');
  const [busy, setBusy] = useState(false);
  const changed = (Object.keys(known) as Field[]).some(
    (name) => known[name] !== policy[name],
  );
  const problems = ruleProblems(policy);
  const ready = changed && problems.size === 0 && reason.trim() !== '' && !busy;
  const change = (name: Field, value: Entered) => {
    setSaved('');
    setDraft((now) => ({ ...now, [name]: value }));
  };

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    const done = await carryOut(async () => {
      const kept = await setPolicy(site, policy as SitePolicy, reason.trim());
      queries.setQueryData(['policy', site], kept);
      setDraft(kept);
    }, setProblem);
    setBusy(false);
    if (!done) return;
    setReason('');
    setSaved(words.saved);
  }

  const fields = { policy, problems, onChange: change };
  return (
    <form className="form-column policy" onSubmit={(event) => void submit(event)}>
      <Deadlines {...fields} />
      <Weights {...fields} />
      <div className="policy-row">
        <Fraction {...fields} name="base_rate" label={words.rate} hint={words.rateHint} />
        <NumberInput
          label={words.row}
          description={words.rowHint}
          error={errorOf(fields, 'stat_in_a_row')}
          value={policy.stat_in_a_row ?? ''}
          min={1}
          max={20}
          allowDecimal={false}
          onChange={(value) => change('stat_in_a_row', entered(value))}
        />
      </div>
      <TextInput
        label={words.reason}
        description={words.reasonHint}
        value={reason}
        maxLength={200}
        required
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {problem === null ? null : (
        <Notice kind="fail" title={words.failed} assertive>
          {problem}
        </Notice>
      )}
      <div className="form-actions">
        <output>{saved || (changed ? '' : words.unchanged)}</output>
        <button type="submit" className="btn primary" aria-disabled={!ready}>
          {words.submit}
        </button>
      </div>
    </form>
  );
}

/** Deadlines and weights of a site's list. */
export function SitePolicyTab() {
  const which = useOneSite();
  const { site } = which;
  const query = useQuery({
    queryKey: ['policy', site],
    queryFn: () => readPolicy(site ?? ''),
    enabled: site !== null,
  });
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <SiteSelect {...which} label={words.site} className="policy-site" />
      {query.error ? (
        <Notice kind="fail" title={text.common.failed(words.tab)}>
          {wordsOf(query.error)}
        </Notice>
      ) : null}
      {site && query.data ? (
        <PolicyForm key={site} site={site} known={query.data} />
      ) : null}
    </>
  );
}
