import { Select } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { type Comparison, compareSlot, type TruthKind } from '@/api/slot-endpoints';
import { formatExact, formatProbability } from '@/domain/format';
import { useCan } from '@/state/session';
import { text } from '@/text/en';
import { slots, threshold, comparison as words } from '@/text/en-slots';
import { Notice } from '@/ui/primitives';
import { WideTable } from '@/ui/wide-table';
import { wordsOf } from '../table';
import { FindingSelect, type SlotPartProps } from './parts';
import { FigureCell, leftOut, TRUTHS } from './threshold-part';

const FIGURES = ['alerts_per_day', 'sensitivity', 'specificity', 'auroc'] as const;

function Figures({ said }: { said: Comparison }) {
  const { live, other } = said;
  return (
    <WideTable className="slot-figures" label={words.figures}>
      <thead>
        <tr>
          <th scope="col">{threshold.figure}</th>
          {[live, other].map((one) => (
            <th key={one.slot_id} scope="col" className="num">
              {words.side(slots.kinds[one.kind], one.model)}
              <div className="t3">{words.at(formatProbability(one.threshold))}</div>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {FIGURES.map((name) => (
          <tr key={name}>
            <th scope="row">
              {words.names[name]} <span className="t3">{words.definitions[name]}</span>
            </th>
            <FigureCell figure={live[name]} least={said.least} />
            <FigureCell figure={other[name]} least={said.least} />
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}

const signed = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
const chance = (p: number) => (p < 0.001 ? 'p < 0.001' : `p ${p.toFixed(3)}`);

function Paired({ said }: { said: Comparison }) {
  const { paired, other } = said;
  const { difference } = paired;
  if (paired.refused) return <Notice title={words.few}>{paired.refused}</Notice>;
  if (!difference || difference.value === null || paired.p === null) return null;
  const limits = `[${signed(difference.low ?? 0)} to ${signed(difference.high ?? 0)}]`;
  return (
    <ul className="slot-paired">
      <li>
        <b>{words.difference(signed(difference.value), limits)}</b>{' '}
        <span className="t2">
          {words.delong(chance(paired.p), paired.n, paired.n_present)}
        </span>
      </li>
      {(['sensitivity', 'specificity'] as const).map((name) => {
        const one = paired[name];
        return one ? (
          <li key={name}>
            {words.mcnemar[name](
              one.n,
              one.only_first,
              one.only_second,
              slots.kinds[other.kind].toLowerCase(),
            )}{' '}
            <span className="t2">{words.exact(chance(one.p))}</span>
          </li>
        ) : null;
      })}
    </ul>
  );
}

function Discordant({ said }: { said: Comparison }) {
  const mayRead = useCan()('reading:read');
  if (said.n_discordant === 0) return <p className="t2">{words.agree}</p>;
  return (
    <>
      <h3>{words.discordant(said.n_discordant, said.discordant.length)}</h3>
      <WideTable label={words.discordantTable}>
        <thead>
          <tr>
            <th scope="col">{words.study}</th>
            <th scope="col">{words.scoredAt}</th>
            <th scope="col">{words.readers}</th>
            <th scope="col" className="num">
              {slots.kinds.live}
            </th>
            <th scope="col" className="num">
              {slots.kinds[said.other.kind]}
            </th>
            <th scope="col">{words.right}</th>
          </tr>
        </thead>
        <tbody>
          {said.discordant.map((one) => {
            const flagged = one.live >= said.live.threshold;
            const id = one.study_id.slice(0, 8);
            return (
              <tr key={one.study_id}>
                <td className="mono">
                  {mayRead && one.item_id ? (
                    <Link href={`/read/${one.item_id}`}>{id}</Link>
                  ) : (
                    id
                  )}
                </td>
                <td className="when">{formatExact(one.at)}</td>
                <td>{one.present ? words.present : words.absent}</td>
                <td className="num">{formatProbability(one.live)}</td>
                <td className="num">{formatProbability(one.other)}</td>
                <td>{slots.kinds[flagged === one.present ? 'live' : said.other.kind]}</td>
              </tr>
            );
          })}
        </tbody>
      </WideTable>
    </>
  );
}

function Said({ said }: { said: Comparison }) {
  const counts = said.truths.find((one) => one.kind === said.truth);
  if (said.n_both === 0) return <Notice title={words.none} />;
  return (
    <>
      <p>
        <b>{words.both(said.n_both)}</b>{' '}
        {counts ? (
          <span className="t2">
            {threshold.counts(counts.n, counts.n_present, counts.n_readers)}
            {leftOut(counts)}. {threshold.truthWords[said.truth]}
          </span>
        ) : null}
      </p>
      <Figures said={said} />
      <Paired said={said} />
      <Discordant said={said} />
    </>
  );
}

/** A challenger or shadow beside what is live in its slot. */
export function ComparisonPart({ slot }: SlotPartProps) {
  const [code, setCode] = useState(slot.outputs[0]?.code ?? '');
  const [truth, setTruth] = useState<TruthKind>('unaided');
  const live = slot.kind === 'live';
  const query = useQuery({
    queryKey: ['slot-comparison', slot.id, code, truth],
    queryFn: () => compareSlot(slot.id, code, truth),
    placeholderData: keepPreviousData,
    enabled: code !== '' && !live,
  });
  if (live) return <Notice title={words.isLive} />;
  return (
    <>
      <p className="admin-intro">{words.intro}</p>
      <div className="slot-ask">
        <FindingSelect slot={slot} code={code} onChoose={setCode} />
        <Select
          label={threshold.truth}
          value={truth}
          data={TRUTHS}
          allowDeselect={false}
          onChange={(value) => setTruth((value ?? 'unaided') as TruthKind)}
        />
      </div>
      {query.isPending ? (
        <p className="t3">{text.common.loading(slots.sections.comparison)}</p>
      ) : null}
      {query.error ? (
        <Notice kind="fail" title={text.common.failed(slots.sections.comparison)}>
          {wordsOf(query.error)}
        </Notice>
      ) : null}
      {query.data && !query.error ? <Said said={query.data} /> : null}
    </>
  );
}
