import { changeBand } from '@/commands/worklist/change-band';
import { CommandKey } from '@/features/shell/command-key';
import './why.css';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { readWhy } from '@/api/endpoints';
import { formatClock, formatProbability } from '@/domain/format';
import type { Row, Why } from '@/domain/model';
import { wordMinutes } from '@/domain/wait';
import { useNow } from '@/state/clock';
import { rowOf } from '@/state/worklist';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { AiTag, Key } from '@/ui/primitives';

const minutes = (seconds: number) => wordMinutes(Math.round(seconds / 60));
const seconds = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1000;

function Steps({ why }: { why: Why }) {
  return (
    <ol className="why-steps">
      {why.rule.map((sentence) => (
        <li key={sentence} className="yes">
          <Glyph name="check" small />
          <span>{sentence}</span>
        </li>
      ))}
    </ol>
  );
}

/** How the allowance came about, in the words of the rule. */
function allowanceWords(why: Why): string {
  if (why.probability_source === 'base_rate' && why.probability !== null) {
    return text.why.allowanceBase(formatProbability(why.probability));
  }
  if (why.probability_source === 'finding' && why.probability !== null) {
    const acuity = why.acuity ? text.acuity[why.acuity] : '';
    const weight = String(why.acuity_weight ?? '');
    return text.why.allowanceOf(acuity, weight, formatProbability(why.probability));
  }
  return text.why.allowanceBand;
}

/** The allowance as a bar, and what AI took off it. */
function Sum({ why }: { why: Why }) {
  const plain = Math.max(why.allowance_s, seconds(why.arrived_at, why.without_ai.due_at));
  const taken = plain - why.allowance_s;
  const share = plain > 0 ? (why.allowance_s / plain) * 100 : 100;
  return (
    <>
      <div
        className="why-stack"
        role="img"
        aria-label={text.why.bar(formatClock(why.due_at))}
      >
        <span style={{ width: `${share}%` }}>{minutes(why.allowance_s)}</span>
        {taken > 59 ? (
          <span className="ai" style={{ width: `${100 - share}%` }}>
            −{minutes(taken)}
          </span>
        ) : null}
      </div>
      <table className="why-sum">
        <tbody>
          <tr>
            <th scope="row">{text.why.arrival}</th>
            <td className="how" />
            <td className="value">{formatClock(why.arrived_at)}</td>
          </tr>
          <tr>
            <th scope="row">
              <i className="swatch" />
              {text.why.allowance}
            </th>
            <td className="how">{allowanceWords(why)}</td>
            <td className="value">+ {minutes(why.allowance_s)}</td>
          </tr>
          <tr className="sum">
            <th scope="row">{text.why.due}</th>
            <td className="how" />
            <td className="value">{formatClock(why.due_at)}</td>
          </tr>
        </tbody>
      </table>
    </>
  );
}

function neighbour(one: Why['neighbours']['above'], none: string): string {
  if (!one) return none;
  const name = rowOf(one.id)?.patient.name;
  const due = text.why.dueAt(formatClock(one.due_at));
  return name ? `${due}, ${name}` : due;
}

function Facts({ why }: { why: Why }) {
  const now = useNow();
  const left = Math.round((Date.parse(why.deadline_at) - now) / 60_000);
  const clock = formatClock(why.deadline_at);
  const deadline =
    left >= 0
      ? text.why.deadlineIn(clock, wordMinutes(left))
      : text.why.deadlinePast(clock, wordMinutes(-left));
  const without = text.why.withoutAiRank(
    String(why.without_ai.rank ?? '–'),
    formatClock(why.without_ai.due_at),
  );
  const facts = [
    [text.why.nextAbove, neighbour(why.neighbours.above, text.why.nothingAbove)],
    [text.why.nextBelow, neighbour(why.neighbours.below, text.why.nothingBelow)],
    [text.why.withoutAi, without],
    [text.why.deadline, deadline],
  ] as const;
  return (
    <dl className="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface Place {
  readonly top: number;
  readonly right: number;
}

/** Beside the row's button: below it where there is room, else above. */
function placeBy(anchor: Element | null, height: number): Place {
  const box = anchor?.getBoundingClientRect();
  if (!box) return { top: 140, right: 24 };
  const below = box.bottom + 10;
  const top = below + height < window.innerHeight - 44 ? below : box.top - height - 10;
  return {
    top: Math.max(56, top),
    right: Math.max(16, window.innerWidth - box.right - 8),
  };
}

export interface WhyPopoverProps {
  readonly row: Row;
  readonly rank: string;
  readonly mayChangeBand: boolean;
  readonly onClose: () => void;
  readonly onChangeBand: () => void;
}

/** "Why here?": the rule's steps, the sum, and the place without AI. */
export function WhyPopover(props: WhyPopoverProps) {
  const { row, onClose } = props;
  const panel = useRef<HTMLElement>(null);
  const [place, setPlace] = useState<Place | null>(null);
  const { data, error } = useQuery({
    queryKey: ['why', row.id, row.version],
    queryFn: () => readWhy(row.id),
    staleTime: 5000,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: placed again when it grows
  useLayoutEffect(() => {
    const anchor = document.getElementById(`why-${row.id}`);
    setPlace(placeBy(anchor, panel.current?.offsetHeight ?? 0));
  }, [row.id, data]);

  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);

  return (
    <section
      ref={panel}
      className="why-pop floating appear"
      style={place ?? { visibility: 'hidden' }}
      role="dialog"
      aria-labelledby="why-title"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === 'Escape' || event.key === 'w') onClose();
        if (event.key === 'b' && props.mayChangeBand) props.onChangeBand();
      }}
    >
      <header>
        <h2 id="why-title">{text.why.title(props.rank)}</h2>
        <span className="t3 cut">{row.patient.name}</span>
        <span className="grow" />
        <button type="button" aria-label={text.why.close} onClick={onClose}>
          <Key>Esc</Key>
        </button>
      </header>
      {error ? (
        <p className="t2">{text.common.failed(text.why.title(props.rank))}</p>
      ) : null}
      {data ? (
        <>
          <Steps why={data} />
          <Sum why={data} />
          <Facts why={data} />
        </>
      ) : (
        <div className="why-waiting" aria-busy={!error} />
      )}
      <footer>
        {data?.model ? (
          <>
            <AiTag />
            <span>{text.why.model(data.model.name, data.model.version)}</span>
          </>
        ) : (
          <span>{text.why.noModel}</span>
        )}
        <span className="grow" />
        {props.mayChangeBand ? (
          <button type="button" className="btn" onClick={props.onChangeBand}>
            {text.why.changeBand} <CommandKey command={changeBand} />
          </button>
        ) : null}
      </footer>
    </section>
  );
}
