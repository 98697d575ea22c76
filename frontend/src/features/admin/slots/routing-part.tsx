import { Checkbox, NumberInput, TagsInput } from '@mantine/core';
import { useState } from 'react';
import {
  changeSlot,
  type Routing,
  type RoutingTrial,
  tryRouting,
} from '@/api/slot-endpoints';
import { formatDay, formatExact } from '@/domain/format';
import { routing as words } from '@/text/en-slots';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { carryOut } from '../table';
import type { SlotPartProps } from './parts';
import { HoldForm } from './parts';

const LISTS = [
  ['modalities', words.modalities],
  ['body_parts', words.bodyParts],
  ['views', words.views],
  ['description_has', words.has],
  ['description_lacks', words.lacks],
] as const;
const NUMBERS = [
  ['age_min', words.ageMin, 150],
  ['age_max', words.ageMax, 150],
  ['hour_from', words.hourFrom, 23],
  ['hour_to', words.hourTo, 24],
] as const;

interface FieldsProps {
  readonly rule: Routing;
  readonly onChange: (rule: Routing) => void;
}

function Fields({ rule, onChange }: FieldsProps) {
  return (
    <div className="slot-rule">
      {LISTS.map(([name, label]) => (
        <TagsInput
          key={name}
          label={label}
          placeholder={words.addHint}
          value={rule[name] ?? []}
          onChange={(value) => onChange({ ...rule, [name]: value })}
        />
      ))}
      {NUMBERS.map(([name, label, most]) => (
        <NumberInput
          key={name}
          label={label}
          description={name.startsWith('hour') ? words.hourHint : undefined}
          value={rule[name] ?? ''}
          min={0}
          max={most}
          allowDecimal={false}
          onChange={(value) =>
            onChange({ ...rule, [name]: value === '' ? null : Number(value) })
          }
        />
      ))}
    </div>
  );
}

/** Who reads what the model has said, by how sure it is. */
function Tiers({ rule, onChange }: FieldsProps) {
  const tiered = rule.resident_first || rule.specialist_if_unsure;
  const set = (change: Partial<Routing>) => {
    const next = { ...rule, ...change };
    const none = !next.resident_first && !next.specialist_if_unsure;
    onChange(none ? { ...next, unsure_from: null, unsure_to: null } : next);
  };
  return (
    <fieldset className="slot-tiers">
      <legend>{words.tiers.title}</legend>
      <p className="t2">{words.tiers.intro}</p>
      <Checkbox
        label={words.tiers.resident}
        checked={rule.resident_first ?? false}
        onChange={(event) => set({ resident_first: event.currentTarget.checked })}
      />
      <Checkbox
        label={words.tiers.specialist}
        checked={rule.specialist_if_unsure ?? false}
        onChange={(event) => set({ specialist_if_unsure: event.currentTarget.checked })}
      />
      {tiered ? (
        <div className="slot-rule">
          {(['unsure_from', 'unsure_to'] as const).map((name) => (
            <NumberInput
              key={name}
              label={words.tiers[name]}
              description={words.tiers.unsureHint}
              value={rule[name] ?? ''}
              min={0}
              max={1}
              step={0.05}
              decimalScale={4}
              onChange={(value) => set({ [name]: value === '' ? null : Number(value) })}
            />
          ))}
        </div>
      ) : null}
    </fieldset>
  );
}

function Days({ said }: { said: RoutingTrial }) {
  return (
    <WideTable className="slot-figures" label={words.days}>
      <thead>
        <tr>
          <th scope="col">{words.day}</th>
          <th scope="col" className="num">
            {words.arrived}
          </th>
          <th scope="col" className="num">
            {words.fired}
          </th>
        </tr>
      </thead>
      <tbody>
        {said.by_day.map((one) => (
          <tr key={one.day}>
            <th scope="row">{formatDay(one.day)}</th>
            <td className="num">{one.arrived}</td>
            <td className="num">{one.fired}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function TierTrial({ of }: { of: NonNullable<RoutingTrial['tiers']> }) {
  return (
    <WideTable className="slot-figures" label={words.tiers.table}>
      <thead>
        <tr>
          <th scope="col">{words.tiers.whom}</th>
          <th scope="col" className="num">
            {words.tiers.studies}
          </th>
        </tr>
      </thead>
      <tbody>
        {(['resident', 'specialist', 'anybody', 'unscored'] as const).map((name) => (
          <tr key={name}>
            <th scope="row">{words.tiers.names[name]}</th>
            <td className="num">{of[name]}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function Examples({ said }: { said: RoutingTrial }) {
  return (
    <WideTable label={words.examples}>
      <thead>
        <tr>
          <th scope="col">{words.study}</th>
          <th scope="col">{words.modality}</th>
          <th scope="col">{words.at}</th>
          <th scope="col">{words.outcomeHead}</th>
        </tr>
      </thead>
      <tbody>
        {said.examples.map((one) => (
          <tr key={`${one.study_id} ${one.arrived_at}`}>
            <td className="mono">{one.study_id.slice(0, 8)}</td>
            <td>{one.modality}</td>
            <td className="when">{formatExact(one.arrived_at)}</td>
            <td>{one.reason || words.sent}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function Said({ said }: { said: RoutingTrial }) {
  if (said.arrived === 0) return <Notice title={words.none} />;
  const { value, low, high } = said.per_day;
  const figure = (one: number | null) => (one ?? 0).toFixed(1);
  return (
    <>
      <p role="status">
        <b>{words.outcome(figure(value), figure(low), figure(high))}</b>{' '}
        <span className="t2">
          {words.counts(said.fired, said.fits, said.arrived, said.days, said.fired_now)}
        </span>
      </p>
      <div className="slot-pair">
        <Days said={said} />
        {said.tiers ? <TierTrial of={said.tiers} /> : null}
        {said.examples.length > 0 ? <Examples said={said} /> : null}
      </div>
    </>
  );
}

/** Which studies a slot is given: a rule, tried on history before it holds. */
export function RoutingPart({ slot, mayChange, onChanged }: SlotPartProps) {
  const [rule, setRule] = useState<Routing>(slot.routing);
  const [said, setSaid] = useState<RoutingTrial | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const attempt = () =>
    void carryOut(async () => setSaid(await tryRouting(slot.id, rule)), setProblem);
  const change = (next: Routing) => {
    setSaid(null);
    setRule(next);
  };
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <Fields rule={rule} onChange={change} />
      <Tiers rule={rule} onChange={change} />
      <button type="button" className="btn slot-try" onClick={attempt}>
        {words.try}
      </button>
      {problem === null ? null : (
        <Notice kind="fail" title={words.notTried} assertive>
          {problem}
        </Notice>
      )}
      {said ? <Said said={said} /> : null}
      {mayChange ? (
        <HoldForm
          submit={words.submit}
          nothing=""
          act={(reason) => changeSlot(slot.id, { routing: rule }, reason)}
          onChanged={onChanged}
        />
      ) : null}
    </>
  );
}
