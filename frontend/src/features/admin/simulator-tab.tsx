import { NumberInput, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import {
  type GroupWait,
  readArrivals,
  type Simulation,
  simulate,
  type UsualArrivals,
} from '@/api/simulation-endpoints';
import { type Entered, entered, shareOf } from '@/domain/entered';
import type { Id } from '@/domain/model';
import { readersByHour, scaleDay, spreadDay } from '@/domain/shifts';
import { text } from '@/text/en';
import { simulator as words } from '@/text/en-simulator';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { SiteSelect, useOneSite } from './one-site';
import { carryOut, wordsOf } from './table';

const START = {
  expected: 100,
  day: 2,
  evening: 1,
  night: 0,
  readTime: 10,
  prevalence: 10,
  sensitivity: 90,
  specificity: 85,
  stat: 2,
  flood: 0,
};
type Field = keyof typeof START;
type Numbered = Readonly<Record<Field, number>>;
type Values = Readonly<Record<Field, Entered>>;

/** The fields as numbers; null while one is empty. */
function complete(values: Values): Numbered | null {
  return Object.values(values).includes(null) ? null : (values as Numbered);
}

const ACUITIES = Object.entries(words.acuities).map(([value, label]) => ({
  value,
  label,
}));
const GROUPS = Object.entries(words.groups);

const offsetHours = () => -new Date().getTimezoneOffset() / 60;

interface NumbersProps {
  readonly values: Values;
  readonly onChange: (name: Field, value: Entered) => void;
  readonly fields: readonly (readonly [Field, string, min: number, max: number])[];
}

function Numbers({ values, onChange, fields }: NumbersProps) {
  return fields.map(([name, label, min, max]) => (
    <NumberInput
      key={name}
      label={label}
      error={values[name] === null ? words.empty : undefined}
      value={values[name] ?? ''}
      min={min}
      max={max}
      decimalScale={1}
      onChange={(value) => onChange(name, entered(value))}
    />
  ));
}

/** A wait is never negative: what is less than nothing is rounding. */
const minutes = (value: number) => {
  const said = Math.max(0, value);
  return said < 10 ? said.toFixed(1) : said.toFixed(0);
};

function Cell({ waits }: { waits: GroupWait | undefined }) {
  if (!waits) return <td />;
  const { mean, p99, longest, late } = waits;
  return (
    <td className="num">
      <b>{minutes(mean.value)}</b>{' '}
      <span className="t3">
        [{minutes(mean.low)}–{minutes(mean.high)}]
      </span>
      <br />
      <span className="t3">
        {words.p99} {minutes(p99.value)} [{minutes(p99.low)}–{minutes(p99.high)}] ·{' '}
        {words.longest} {minutes(longest)} · {words.late} {(late * 100).toFixed(1)}%
      </span>
    </td>
  );
}

function Waits({ said }: { said: Simulation }) {
  return (
    <>
      <p className="t2">{words.result(said.load, said.days, said.repetitions)}</p>
      <WideTable label={words.table}>
        <thead>
          <tr>
            <th scope="col">{words.group}</th>
            {Object.keys(said.rules).map((rule) => (
              <th key={rule} scope="col" className="num">
                {words.rules[rule] ?? rule}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {GROUPS.map(([group, name]) => (
            <tr key={group}>
              <th scope="row">{name}</th>
              {Object.entries(said.rules).map(([rule, groups]) => (
                <Cell key={rule} waits={groups[group]} />
              ))}
            </tr>
          ))}
        </tbody>
      </WideTable>
    </>
  );
}

function Simulator({ site, usual }: { site: Id; usual: UsualArrivals }) {
  const perDay = usual.arrivals.reduce((sum, n) => sum + n, 0);
  const known = perDay >= 1;
  const measured = Number(perDay.toFixed(1));
  const [values, setValues] = useState<Values>(
    known ? { ...START, expected: measured } : START,
  );
  const [acuity, setAcuity] = useState('critical');
  const [said, setSaid] = useState<Simulation | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = {
    values,
    onChange: (name: Field, value: Entered) => {
      setSaid(null);
      setValues((now) => ({ ...now, [name]: value }));
    },
  };

  /** Nothing where the measured number stands: the portal takes its own. */
  function arrivalsOf(expected: number): { readonly arrivals?: readonly number[] } {
    if (!known) return { arrivals: spreadDay(expected, offsetHours()) };
    if (expected === measured) return {};
    return { arrivals: scaleDay(usual.arrivals, expected) };
  }

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    const given = complete(values);
    if (busy || given === null) return;
    setBusy(true);
    setSaid(null);
    await carryOut(async () => {
      setSaid(
        await simulate(site, {
          ...arrivalsOf(given.expected),
          readers: readersByHour(given, offsetHours()),
          read_time: given.readTime,
          ai: {
            prevalence: shareOf(given.prevalence),
            sensitivity: shareOf(given.sensitivity),
            specificity: shareOf(given.specificity),
          },
          acuity,
          clinician_stat: shareOf(given.stat),
          flood: shareOf(given.flood),
        }),
      );
    }, setProblem);
    setBusy(false);
  }

  return (
    <>
      <form className="form-column policy" onSubmit={(event) => void submit(event)}>
        <p className="t2">{known ? words.arrivals(perDay, usual.days) : words.tooFew}</p>
        <NumberInput
          label={words.expected}
          description={known ? words.knownHint : words.expectedHint}
          error={values.expected === null ? words.empty : undefined}
          value={values.expected ?? ''}
          min={1}
          max={2000}
          decimalScale={1}
          onChange={(value) => fields.onChange('expected', entered(value))}
        />
        <fieldset className="policy-part">
          <legend>{words.readers}</legend>
          <div className="policy-row">
            <Numbers
              {...fields}
              fields={[
                ['day', words.day, 0, 50],
                ['evening', words.evening, 0, 50],
                ['night', words.night, 0, 50],
              ]}
            />
          </div>
        </fieldset>
        <fieldset className="policy-part">
          <legend>{words.ai}</legend>
          <div className="policy-row">
            <Numbers
              {...fields}
              fields={[
                ['prevalence', words.prevalence, 0.1, 99],
                ['sensitivity', words.sensitivity, 0.1, 99.9],
                ['specificity', words.specificity, 0.1, 99.9],
              ]}
            />
          </div>
        </fieldset>
        <div className="policy-row">
          <Select
            label={words.acuity}
            value={acuity}
            data={ACUITIES}
            allowDeselect={false}
            onChange={(value) => {
              setSaid(null);
              setAcuity(value ?? 'critical');
            }}
          />
          <Numbers {...fields} fields={[['readTime', words.readTime, 0.5, 120]]} />
          <Numbers
            {...fields}
            fields={[
              ['stat', words.stat, 0, 100],
              ['flood', words.flood, 0, 100],
            ]}
          />
        </div>
        {problem === null ? null : (
          <Notice kind="fail" title={words.failed} assertive>
            {problem}
          </Notice>
        )}
        <div className="form-actions">
          <output>{busy ? words.working : ''}</output>
          <button
            type="submit"
            className="btn primary"
            aria-disabled={busy || complete(values) === null}
          >
            {words.submit}
          </button>
        </div>
      </form>
      {said ? <Waits said={said} /> : null}
    </>
  );
}

/** What the rules of a site's list do to waiting. */
export function SimulatorTab() {
  const which = useOneSite();
  const { site } = which;
  const query = useQuery({
    queryKey: ['arrivals', site],
    queryFn: () => readArrivals(site ?? ''),
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
        <Simulator key={site} site={site} usual={query.data} />
      ) : null}
    </>
  );
}
