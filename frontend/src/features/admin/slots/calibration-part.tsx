import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import {
  applyCalibration,
  type CalibrationProposal,
  type FittedMethod,
  proposeCalibration,
  type Reliability,
} from '@/api/slot-endpoints';
import { formatProbability } from '@/domain/format';
import { text } from '@/text/en';
import { slots, threshold as truthWords, calibration as words } from '@/text/en-slots';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { wordsOf } from '../table';
import type { SlotPartProps } from './parts';
import { FindingSelect, HoldForm } from './parts';
import { leftOut } from './threshold-part';

const METHODS = (Object.keys(words.hints) as FittedMethod[]).map((value) => ({
  value,
  label: words.methods[value],
}));
const SIDE = 240;

/** A point's radius: its area is as the number of studies that it stands for. */
const radius = (n: number, most: number) => 2 + 5 * Math.sqrt(n / most);

const TICKS = [0, 0.5, 1];

function Ticks() {
  return TICKS.map((p) => (
    <g key={p}>
      <text x={p * SIDE} y={SIDE + 13} textAnchor="middle">
        {p}
      </text>
      <text x={-4} y={SIDE - p * SIDE + 4} textAnchor="end">
        {p}
      </text>
    </g>
  ));
}

function Curve({ of, name }: { of: Reliability; name: string }) {
  const at = (p: number) => p * SIDE;
  const most = Math.max(1, ...of.curve.map((one) => one.n));
  const points = of.curve.map((one) => `${at(one.stated)},${SIDE - at(one.observed)}`);
  return (
    <g className={`curve ${name}`}>
      <polyline points={points.join(' ')} />
      {of.curve.map((one) => (
        <circle
          key={one.stated}
          cx={at(one.stated)}
          cy={SIDE - at(one.observed)}
          r={radius(one.n, most)}
        >
          <title>
            {words.bin(one.stated.toFixed(2), one.observed.toFixed(2), one.n)}
          </title>
        </circle>
      ))}
    </g>
  );
}

interface PairProps {
  readonly before: Reliability;
  readonly after: Reliability;
}

function ReliabilityChart({ before, after }: PairProps) {
  return (
    <figure className="reliability">
      <svg
        viewBox={`-40 -8 ${SIDE + 50} ${SIDE + 44}`}
        role="img"
        aria-label={words.chartLabel(before.ece.toFixed(3), after.ece.toFixed(3))}
      >
        <rect className="reliability-box" width={SIDE} height={SIDE} />
        <line className="score-axis" x1={0} y1={SIDE} x2={SIDE} y2={0} />
        <Ticks />
        <Curve of={before} name="before" />
        <Curve of={after} name="after" />
        <text x={SIDE / 2} y={SIDE + 30} textAnchor="middle">
          {words.axes.stated}
        </text>
        <text x={-SIDE / 2} y={-26} textAnchor="middle" transform="rotate(-90)">
          {words.axes.observed}
        </text>
      </svg>
      <figcaption>
        <span className="curve-key before">{words.before}</span>
        <span className="curve-key after">{words.after}</span>
        <span className="t3">{words.sizes}</span>
      </figcaption>
    </figure>
  );
}

function BeforeAfter({ before, after }: PairProps) {
  const rows = [
    [words.ece, before.ece.toFixed(3), after.ece.toFixed(3)],
    [words.brier, before.brier.toFixed(3), after.brier.toFixed(3)],
    [words.n, before.n, after.n],
  ] as const;
  return (
    <WideTable className="slot-figures" label={words.figures}>
      <thead>
        <tr>
          <th scope="col">{slots.sections.calibration}</th>
          <th scope="col" className="num">
            {words.before}
          </th>
          <th scope="col" className="num">
            {words.after}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, was, is]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td className="num">{was}</td>
            <td className="num">{is}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

function Proposal({ said }: { said: CalibrationProposal }) {
  return (
    <>
      <p className="t2">
        {words.holding(words.methods[said.holding])}{' '}
        {truthWords.counts(said.n, said.n_present, said.n_readers)}
        {leftOut(said)}. {truthWords.truthWords.unaided}
      </p>
      {said.refused ? <Notice title={words.refused}>{said.refused}</Notice> : null}
      {said.before && said.after ? (
        <div className="slot-pair">
          <ReliabilityChart before={said.before} after={said.after} />
          <BeforeAfter before={said.before} after={said.after} />
        </div>
      ) : null}
      {said.new_threshold === null ? null : (
        <p className="t2">
          {words.carried(
            formatProbability(said.threshold),
            formatProbability(said.new_threshold),
          )}
        </p>
      )}
    </>
  );
}

/** Fitting the probabilities of one finding to what unaided readers say. */
export function CalibrationPart({ slot, mayChange, onChanged }: SlotPartProps) {
  const [code, setCode] = useState(slot.outputs[0]?.code ?? '');
  const [method, setMethod] = useState<FittedMethod>('platt');
  const query = useQuery({
    queryKey: ['slot-calibration', slot.id, code, method],
    queryFn: () => proposeCalibration(slot.id, code, method),
    enabled: code !== '',
  });
  const said = query.data;
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <div className="slot-ask">
        <FindingSelect slot={slot} code={code} onChoose={setCode} />
        <Select
          label={words.method}
          description={words.hints[method]}
          value={method}
          data={METHODS}
          allowDeselect={false}
          onChange={(value) => setMethod((value ?? 'platt') as FittedMethod)}
        />
      </div>
      {query.error ? (
        <Notice kind="fail" title={text.common.failed(slots.sections.calibration)}>
          {wordsOf(query.error)}
        </Notice>
      ) : null}
      {said ? <Proposal said={said} /> : null}
      {mayChange && said && said.refused === '' ? (
        <HoldForm
          submit={words.submit}
          nothing=""
          act={(reason) => applyCalibration(slot.id, code, method, reason)}
          onChanged={onChanged}
        />
      ) : null}
      {mayChange && said && said.holding !== 'package' ? (
        <HoldForm
          submit={words.undo}
          nothing=""
          act={(reason) => applyCalibration(slot.id, code, 'package', reason)}
          onChanged={onChanged}
        />
      ) : null}
    </>
  );
}
