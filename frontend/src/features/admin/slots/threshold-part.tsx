import { NumberInput, Select, Slider } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  changeSlot,
  type Figure,
  type SlotOutput,
  type ThresholdTrial,
  type TruthCount,
  type TruthKind,
  tryThreshold,
} from '@/api/slot-endpoints';
import { formatProbability } from '@/domain/format';
import { text } from '@/text/en';
import { acuities, interval, slots, threshold as words } from '@/text/en-slots';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { wordsOf } from '../table';
import type { SlotPartProps } from './parts';
import { FindingSelect, HoldForm, modelName } from './parts';
import { ScoreChart } from './score-chart';

const FIGURES = ['alerts_per_day', 'sensitivity', 'specificity', 'ppv', 'npv'] as const;
export const TRUTHS = Object.entries(words.truths).map(([value, label]) => ({
  value,
  label,
}));
const ACUITIES = Object.entries(acuities).map(([value, label]) => ({ value, label }));
const SETTLE_MS = 200;
/** A threshold that a calibration carried over has more digits than one sets by hand. */
const SAME = 5e-4;

export function FigureCell({ figure, least }: { figure: Figure; least: number }) {
  const { value, low, high, n } = figure;
  if (value === null || low === null || high === null) {
    return <td className="num t3">{words.insufficient(n, least)}</td>;
  }
  return (
    <td className="num">
      {interval(value, low, high)} <span className="t3">n {n}</span>
    </td>
  );
}

function Figures({ said }: { said: ThresholdTrial }) {
  return (
    <WideTable className="slot-figures" label={words.figures}>
      <thead>
        <tr>
          <th scope="col">{words.figure}</th>
          <th scope="col" className="num">
            {words.now(formatProbability(said.holding))}
          </th>
          <th scope="col" className="num">
            {words.asked(formatProbability(said.threshold))}
          </th>
        </tr>
      </thead>
      <tbody>
        {FIGURES.map((name) => (
          <tr key={name}>
            <th scope="row">
              {words.names[name]} <span className="t3">{words.definitions[name]}</span>
            </th>
            <FigureCell figure={said.at_holding[name]} least={said.least} />
            <FigureCell figure={said.at_threshold[name]} least={said.least} />
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

/** How many studies were left out, and why; '' where none was. */
export function leftOut(counts: Pick<TruthCount, 'n_disagreed' | 'n_unasked'>): string {
  const { n_disagreed: split, n_unasked: silent } = counts;
  return [
    split > 0 ? `; ${words.disagreed(split)}` : '',
    silent > 0 ? `; ${words.unasked(silent)}` : '',
  ].join('');
}

function Truth({ said }: { said: ThresholdTrial }) {
  const counts = said.truths.find((one) => one.kind === said.truth);
  if (!counts) return null;
  const absent = counts.n - counts.n_present;
  const few = counts.n_present < said.least || absent < said.least;
  return (
    <>
      <p className="t2">
        {words.counts(counts.n, counts.n_present, counts.n_readers)}
        {leftOut(counts)}. {words.truthWords[said.truth]}
      </p>
      {few ? <p className="t3">{words.noTruth(counts.n, said.least)}</p> : null}
    </>
  );
}

/** Whose scores these are, and whose are left out. */
function Package({ said, model }: { said: ThresholdTrial; model: string }) {
  const others = said.others.map((one) => words.other(one.model, one.n)).join(', ');
  return (
    <p className="t3">
      {words.packageOnly(model, said.package_hash)} {others ? words.others(others) : null}
    </p>
  );
}

function Said({ said, model }: { said: ThresholdTrial; model: string }) {
  if (said.scored === 0) {
    return (
      <>
        <Notice title={words.none} />
        <Package said={said} model={model} />
      </>
    );
  }
  return (
    <>
      <p>
        <b>{words.change(said.more_alerts_per_day)}</b>{' '}
        <span className="t2">{words.scored(said.scored, said.days)}</span>
      </p>
      <Package said={said} model={model} />
      <ScoreChart said={said} />
      <Truth said={said} />
      <Figures said={said} />
    </>
  );
}

function useTrial(slot: string, code: string, asked: number, truth: TruthKind) {
  const [settled] = useDebouncedValue(asked, SETTLE_MS);
  return useQuery({
    queryKey: ['slot-threshold', slot, code, settled, truth],
    queryFn: () => tryThreshold(slot, code, settled, truth),
    placeholderData: keepPreviousData,
  });
}

interface OneProps extends SlotPartProps {
  readonly output: SlotOutput;
}

function OneThreshold({ slot, output, mayChange, onChanged }: OneProps) {
  const [asked, setAsked] = useState(output.threshold);
  const [acuity, setAcuity] = useState(output.acuity);
  const [truth, setTruth] = useState<TruthKind>('unaided');
  const query = useTrial(slot.id, output.code, asked, truth);
  const moved = Math.abs(asked - output.threshold) > SAME;
  const same = !moved && acuity === output.acuity;
  return (
    <>
      <div className="slot-ask">
        <Slider
          thumbLabel={words.slider}
          value={asked}
          min={0.01}
          max={1}
          step={0.01}
          label={null}
          onChange={setAsked}
        />
        <NumberInput
          label={words.slider}
          value={Number(asked.toFixed(4))}
          min={0.01}
          max={1}
          step={0.01}
          decimalScale={4}
          clampBehavior="strict"
          onChange={(value) => {
            const given = Number(value);
            if (given > 0 && given <= 1) setAsked(given);
          }}
        />
        <Select
          label={words.truth}
          value={truth}
          data={TRUTHS}
          allowDeselect={false}
          onChange={(value) => setTruth((value ?? 'unaided') as TruthKind)}
        />
      </div>
      {query.error ? (
        <Notice kind="fail" title={text.common.failed(slots.sections.threshold)}>
          {wordsOf(query.error)}
        </Notice>
      ) : null}
      {query.data ? <Said said={query.data} model={modelName(slot)} /> : null}
      {mayChange ? (
        <HoldForm
          submit={words.submit(formatProbability(asked))}
          nothing={same ? words.same : ''}
          act={(reason) =>
            changeSlot(
              slot.id,
              {
                ...(moved ? { thresholds: { [output.code]: asked } } : {}),
                acuities: { [output.code]: acuity },
              },
              reason,
            )
          }
          onChanged={onChanged}
        >
          <Select
            label={words.acuity}
            value={acuity}
            data={ACUITIES}
            allowDeselect={false}
            onChange={(value) =>
              setAcuity((value ?? output.acuity) as SlotOutput['acuity'])
            }
          />
        </HoldForm>
      ) : null}
    </>
  );
}

/** What another threshold would have done, and letting it hold. */
export function ThresholdPart(props: SlotPartProps) {
  const { slot } = props;
  const [code, setCode] = useState(slot.outputs[0]?.code ?? '');
  const output = slot.outputs.find((one) => one.code === code);
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <FindingSelect slot={slot} code={code} onChoose={setCode} />
      {output ? <OneThreshold key={code} {...props} output={output} /> : null}
    </>
  );
}
