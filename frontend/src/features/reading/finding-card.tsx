import { Modal, Select } from '@mantine/core';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { Command } from '@/commands/command';
import { acceptFinding } from '@/commands/reading/accept-finding';
import type { ReadingContext } from '@/commands/reading/context';
import { modifyFinding } from '@/commands/reading/modify-finding';
import { rejectFinding } from '@/commands/reading/reject-finding';
import { modify } from '@/domain/draft';
import { whyNoMap } from '@/domain/findings';
import { formatProbability } from '@/domain/format';
import type { Point } from '@/domain/geometry';
import { ariaHotkey } from '@/domain/hotkeys';
import type { AiRun, Finding, Verdict } from '@/domain/model';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyOf } from '@/state/own-keys';
import {
  answerFinding,
  changeDraft,
  geometryOf,
  jumpTo,
  setRoom,
  useRoom,
} from '@/state/room';
import { useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import { explained } from '@/text/en-explained';
import { segments } from '@/text/en-segments';
import { unaided } from '@/text/en-unaided';
import { Glyph, type GlyphName } from '@/ui/glyph';
import { ModelCard } from '@/ui/model-card';
import { AiTag } from '@/ui/primitives';
import { Changes } from './changes';
import { useCopyFinding } from './copy-segment';
import { volumeText } from './masks';

const panel = text.room.panel;

/** The image that shows a finding best. */
export interface FindingPlace {
  readonly series: number;
  /** 1-based, in the series. */
  readonly image: number;
  readonly sopUid: string;
  readonly frame: number;
  readonly at: Point | null;
}

export interface FindingProps {
  readonly finding: Finding;
  readonly number: number;
  readonly run: AiRun;
  readonly verdict: Verdict | null;
  readonly context: ReadingContext;
  /** Series (index in the pack) and place of the image that the finding is on. */
  readonly place: FindingPlace | null;
}

const SAID: Readonly<Record<Verdict['verdict'], { word: string; glyph: GlyphName }>> = {
  accept: { word: panel.accepted, glyph: 'check' },
  reject: { word: panel.rejected, glyph: 'cross' },
  modify: { word: panel.modified, glyph: 'pencil' },
};

function useReasonWords(verdict: Verdict | null): string {
  const vocabulary = useVocabulary();
  if (!verdict?.reason_code) return '';
  const known = vocabulary?.reject_reasons.find(
    (one) => one.code === verdict.reason_code,
  );
  const words = known?.display ?? verdict.reason_code;
  return verdict.reason_text ? `${words}: ${verdict.reason_text}` : words;
}

function goTo({ finding, place }: FindingProps): void {
  setRoom({ activeFinding: finding.id });
  if (place) jumpTo(place.series, place.sopUid, place.frame, place.at);
}

/** A finding that is not in focus: one line with its answer. */
export function FindingRow(props: FindingProps) {
  const { finding, number, verdict } = props;
  const reason = useReasonWords(verdict);
  const p =
    finding.probability === null ? '' : `p ${formatProbability(finding.probability)}`;
  const about = finding.positive ? p : `${p} · ${text.list.belowThreshold}`;
  return (
    <button
      type="button"
      className={finding.positive ? 'finding row' : 'finding row below'}
      onClick={() => goTo(props)}
    >
      <span className="finding-no">{number}</span>
      <span className="about">
        <span className="l1">{verdict?.label?.display ?? finding.label.display}</span>
        <span className="l2">{[about, reason].filter(Boolean).join(' · ')}</span>
      </span>
      {verdict ? (
        <span className="said">
          <Glyph name={SAID[verdict.verdict].glyph} small />
          {SAID[verdict.verdict].word}
        </span>
      ) : null}
    </button>
  );
}

function Probability({ finding }: { finding: Finding }) {
  const { probability: p, threshold } = finding;
  if (p === null) return null;
  const at = (value: number) => `${Math.min(100, Math.max(0, value * 100))}%`;
  return (
    <>
      <div className="p-row">
        <b>{formatProbability(p)}</b>
        <div className="p-track" aria-hidden="true">
          <i style={{ left: at(p) }} />
          {threshold === null ? null : <u style={{ left: at(threshold) }} />}
        </div>
      </div>
      <div className="p-axis">
        <span className="start" style={{ left: 0 }}>
          0
        </span>
        {threshold === null ? null : (
          <span style={{ left: at(Math.min(0.8, Math.max(0.2, threshold))) }}>
            {panel.threshold(formatProbability(threshold))}
          </span>
        )}
        <span className="end" style={{ left: '100%' }}>
          1
        </span>
      </div>
    </>
  );
}

/** The limit of uncertainty on a card; '' where it states none. */
function limitOf(card: AiRun['model']['card']): string {
  const { uncertainty: said } = card;
  const limit =
    typeof said === 'object' && said !== null && 'review_from' in said
      ? said.review_from
      : null;
  return typeof limit === 'number' ? formatProbability(limit) : '';
}

/** Says that the model's networks contradict each other beyond its card's limit. */
function Specialist({ finding, run }: FindingProps) {
  if (!finding.needs_specialist) return null;
  return (
    <p className="specialist" title={unaided.specialistWhy(limitOf(run.model.card))}>
      <Glyph name="alert" small />
      {unaided.specialist}
    </p>
  );
}

function CardModal({ run, onClose }: { run: AiRun; onClose: () => void }) {
  return (
    <Modal opened onClose={onClose} title={panel.cardTitle(run.model.name)} size="xl">
      <ModelCard card={run.model.card} />
    </Modal>
  );
}

/** Copies where the AI sees it into a segment of the reader's own. */
function CopyMask({ finding, context }: FindingProps) {
  const copy = useCopyFinding();
  if (!finding.mask || !context.writable) return null;
  return (
    <button type="button" className="link" onClick={() => void copy(finding)}>
      {segments.copy}
    </button>
  );
}

function Meta(props: FindingProps) {
  const { finding, run } = props;
  const [card, setCard] = useState(false);
  const unsure = finding.uncertainty;
  const hasCard = Object.keys(run.model.card ?? {}).length > 0;
  return (
    <div className="finding-meta">
      <span>
        {run.model.name} <b>{run.model.version}</b>
      </span>
      {finding.mask ? (
        <span>
          {text.masks.volume} <b>{volumeText(finding.mask.volume_ml)}</b>
        </span>
      ) : null}
      {unsure === null || unsure === undefined ? null : (
        <span>
          {panel.uncertainty}{' '}
          <b title={typeof unsure === 'number' ? unaided.disagree(unsure) : undefined}>
            {typeof unsure === 'number' ? unaided.unsure(unsure) : unsure}
          </b>
        </span>
      )}
      <CopyMask {...props} />
      {hasCard ? (
        <button type="button" className="link" onClick={() => setCard(true)}>
          {panel.card}
        </button>
      ) : null}
      {card ? <CardModal run={run} onClose={() => setCard(false)} /> : null}
    </div>
  );
}

interface VerdictButtonProps {
  readonly command: Command<ReadingContext>;
  readonly context: ReadingContext;
  readonly name: string;
  readonly glyph: GlyphName;
  readonly pressed: boolean;
}

function VerdictButton({ command, context, name, glyph, pressed }: VerdictButtonProps) {
  return (
    <button
      type="button"
      className="verdict"
      aria-pressed={pressed}
      aria-disabled={!command.when(context)}
      aria-keyshortcuts={ariaHotkey(useKeyOf(command))}
      onClick={() => {
        if (command.when(context)) command.perform(context);
      }}
    >
      <CommandKey command={command} />
      {name}
      <Glyph name={glyph} small />
    </button>
  );
}

/** Marks that go around something, and so can say where a finding is. */
const REGIONS: ReadonlySet<string> = new Set(['polygon', 'ellipse', 'box']);

/** The changed label, or a contour that was drawn as a mark; the box is changed on the image meanwhile. */
function ModifyForm({ finding, verdict }: FindingProps) {
  const labels = useVocabulary()?.labels ?? [];
  const editBox = useRoom((state) => state.editBox);
  const marks = useRoom((state) => state.draft.content.annotations);
  const regions = marks.filter((mark) => REGIONS.has(mark.geometry.kind));
  const [code, setCode] = useState(verdict?.label?.code ?? finding.label.code);
  const [drawn, setDrawn] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const label = labels.find((one) => one.code === code) ?? finding.label;
    const mine = regions.find((mark) => mark.id === drawn)?.geometry;
    const geometry = mine ?? (editBox ? geometryOf(editBox) : null);
    answerFinding(finding.id, modify(geometry, label));
  };
  const choices = new Map(
    [finding.label, ...labels].map((one) => [one.code, one.display]),
  );
  return (
    <form className="inline-form" onSubmit={submit}>
      <Select
        label={text.room.modify.label}
        value={code}
        data={[...choices].map(([value, label]) => ({ value, label }))}
        onChange={(value) => setCode(value ?? finding.label.code)}
        allowDeselect={false}
        searchable
        selectFirstOptionOnChange
      />
      {regions.length > 0 ? (
        <Select
          label={unaided.contour}
          placeholder={unaided.contourBox}
          value={drawn}
          data={regions.map((mark, place) => ({
            value: mark.id,
            label: `${place + 1} ${mark.text || mark.label.display}`,
          }))}
          onChange={setDrawn}
          clearable
        />
      ) : null}
      <p className="t3">{text.room.modify.hint}</p>
      <div className="form-actions">
        <button
          type="button"
          className="btn small"
          onClick={() => setRoom({ ask: null, drawing: null, editBox: null })}
        >
          {text.common.cancel}
        </button>
        <button type="submit" className="btn small primary">
          {text.room.modify.submit}
        </button>
      </div>
    </form>
  );
}

/** Number, label, where it is, and how bad it would be. */
function Title(props: FindingProps) {
  const { finding, number, place } = props;
  const placed = finding.location ?? finding.mask;
  const word = placed ? '' : panel.noPlace;
  return (
    <header>
      <span className="finding-no">{number}</span>
      <div>
        <h3>{finding.label.display}</h3>
        {place && placed ? (
          <button type="button" className="l2 link" onClick={() => goTo(props)}>
            {panel.image(place.image)}
          </button>
        ) : (
          <span className="l2">{word}</span>
        )}
      </div>
      {finding.acuity && finding.positive ? (
        <span className={`acuity ${finding.acuity}`}>{text.acuity[finding.acuity]}</span>
      ) : (
        <AiTag />
      )}
    </header>
  );
}

/** The answer that was given, with its reason, and the way to take it back. */
function Said({ finding, verdict, context }: FindingProps) {
  const reason = useReasonWords(verdict);
  if (!verdict) return null;
  return (
    <p className="said-line">
      <Glyph name={SAID[verdict.verdict].glyph} small />
      {SAID[verdict.verdict].word}
      {reason ? <span className="t2">{reason}</span> : null}
      <span className="grow" />
      {context.writable ? (
        <button
          type="button"
          className="link"
          onClick={() => changeDraft({ type: 'withdraw', finding: finding.id })}
        >
          {panel.withdraw}
        </button>
      ) : null}
    </p>
  );
}

function Verdicts({ finding, verdict, context }: FindingProps) {
  const looking = useRoom(({ phase }) => phase === 'looking');
  if (looking) return null;
  const answers = [
    {
      kind: 'accept',
      command: acceptFinding,
      name: finding.positive ? panel.accept : panel.acceptNegative,
    },
    { kind: 'reject', command: rejectFinding, name: panel.reject },
    { kind: 'modify', command: modifyFinding, name: panel.modify },
  ] as const;
  return (
    <div className="verdicts">
      {answers.map(({ kind, command, name }) => (
        <VerdictButton
          key={kind}
          command={command}
          context={context}
          name={name}
          glyph={SAID[kind].glyph}
          pressed={verdict?.verdict === kind}
        />
      ))}
    </div>
  );
}

/** Takes the focus when the answer before it was given from the panel. */
function useRestingFocus() {
  const card = useRef<HTMLElement>(null);
  useEffect(() => {
    const { activeElement, body } = document;
    const inPanel = activeElement?.closest('.panel-scroll .block') != null;
    if (inPanel || activeElement === body) card.current?.focus();
  }, []);
  return card;
}

/** Why there is no map yet, or none at all, of a finding that its model can explain. */
function NoMapYet({ finding }: FindingProps) {
  const why = whyNoMap(finding);
  // There before its words are, so that they are read out when they change.
  return finding.explanation ? (
    <p className="l2" role="status">
      {why ? explained.why(why) : ''}
    </p>
  ) : null;
}

/** The finding in focus: what the model says, and the three answers. None is preselected. */
export function FindingCard(props: FindingProps) {
  const { finding, number } = props;
  const card = useRestingFocus();
  const asking = useRoom(
    ({ ask }) => ask?.kind === 'modify' && ask.finding === finding.id,
  );
  return (
    <section
      ref={card}
      className="finding current"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: focus rests on the finding, not on an answer
      tabIndex={0}
      aria-label={`${text.common.ai}: ${number} ${finding.label.display}`}
      data-finding-card={finding.id}
    >
      <Title {...props} />
      <Probability finding={finding} />
      {finding.probability === null ? null : (
        <p className="l2 meaning">{unaided.meaning(finding.probability)}</p>
      )}
      {finding.positive ? null : <p className="l2">{panel.below}</p>}
      <Specialist {...props} />
      <Meta {...props} />
      <NoMapYet {...props} />
      <Changes finding={finding} run={props.run} />
      <Said {...props} />
      {asking ? <ModifyForm {...props} /> : <Verdicts {...props} />}
    </section>
  );
}
