import { ariaHotkey } from '@/domain/hotkeys';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyOf } from '@/state/own-keys';
import './unaided.css';
import { Modal } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { ReadingContext } from '@/commands/reading/context';
import { sign } from '@/commands/reading/sign';
import { type Agreement, compareReads } from '@/domain/comparison';
import { sameContent } from '@/domain/draft';
import { formatSpan } from '@/domain/format';
import type { Content, Reading, ReadingState } from '@/domain/model';
import type { PackIndex } from '@/imaging/pack';
import { portalNow } from '@/state/clock';
import { commitItem, isUnaided } from '@/state/reading-session';
import { endAsking, findingsOf, getRoom, jumpTo, setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { unaided } from '@/text/en-unaided';
import { Glyph, type GlyphName } from '@/ui/glyph';
import { seriesHolding } from './first-shown';
import { commitBlock } from './sign-block';

const isEmpty = ({ annotations, impression }: Content) =>
  annotations.length === 0 && impression.trim() === '';

/** Commits the read; an empty one is asked about first, as it cannot be taken back. */
export function startCommit(): void {
  const room = getRoom();
  if (commitBlock(room) !== null || room.phase !== 'open') return;
  if (isEmpty(room.draft.content)) setRoom({ ask: { kind: 'commit' } });
  else void commitItem();
}

/** "I saw nothing to report" is a statement: it is said knowingly. */
export function CommitEmptyDialog() {
  return (
    <Modal opened onClose={endAsking} title={unaided.empty.title}>
      <form
        className="form-column"
        onSubmit={(event) => {
          event.preventDefault();
          endAsking();
          void commitItem();
        }}
      >
        <p>{unaided.empty.detail}</p>
        <div className="form-actions">
          <button type="button" className="btn" onClick={endAsking} data-autofocus>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary">
            {unaided.empty.yes}
          </button>
        </div>
      </form>
    </Modal>
  );
}

const ORDER = [
  'unaided',
  'committed',
  'revealed',
  'signed',
] as const satisfies readonly ReadingState[];

/** Where the read is on its way; each state keeps its content and its time. */
export function UnaidedSteps({ reading }: { reading: Reading }) {
  const signed = useRoom((state) => state.phase === 'signed');
  const state = signed ? 'signed' : reading.state;
  const now = ORDER.indexOf(state as (typeof ORDER)[number]);
  return (
    <ol className="steps four">
      {ORDER.map((one, place) => (
        <li
          key={one}
          className={place < now ? 'done' : ''}
          aria-current={place === now ? 'step' : undefined}
        >
          {unaided.steps[one]}
        </li>
      ))}
    </ol>
  );
}

/** What stands in the place of AI's findings while they are hidden. */
export function Locked({ never, reason }: { never: boolean; reason: string }) {
  return (
    <div className="locked">
      <Glyph name="lock" />
      <div>
        <b>{unaided.locked}</b>
        <span className="l2">
          {reason || (never ? unaided.lockedNever : unaided.lockedDetail)}
        </span>
      </div>
    </div>
  );
}

/** In the place of AI's overlay buttons, so that nothing moves when they come. */
export function LockedOverlay({ names }: { names: readonly string[] }) {
  const mode = useRoom((state) => state.ai?.display_mode);
  const words = mode === 'none' ? unaided.overlayNever : unaided.overlayHidden;
  return (
    <section aria-label={words}>
      <div>
        {names.map((name) => (
          <button key={name} type="button" className="ai-toggle" aria-disabled="true">
            <Glyph name="lock" />
            {name}
          </button>
        ))}
      </div>
      <h3>{words}</h3>
    </section>
  );
}

function Elapsed({ since }: { since: string }) {
  const [now, setNow] = useState(portalNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(portalNow()), 5000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, (now - Date.parse(since)) / 1000);
  return <span className="t2">{unaided.time(formatSpan(seconds))}</span>;
}

/** Says above the images that AI is hidden, for how long, and who asks for it. */
export function UnaidedBanner() {
  const mode = useRoom((state) => state.item?.protocol.display_mode);
  const protocol = useRoom((state) => state.item?.protocol.name ?? '');
  const reading = useRoom((state) => state.reading);
  const never = mode === 'none';
  if (!never && !isUnaided(reading)) return null;
  const began = reading?.stages[0]?.at;
  return (
    <div className="unaided-banner" role="status">
      <Glyph name="eyeOff" />
      <b>{never ? unaided.noAi : unaided.banner}</b>
      <span>{never ? unaided.noAiDetail(protocol) : unaided.bannerDetail(protocol)}</span>
      <span className="grow" />
      {began ? <Elapsed since={began} /> : null}
    </div>
  );
}

/** The commit, and what it does, in words. */
export function CommitLine({ context }: { context: ReadingContext }) {
  const room = useRoom();
  const block = commitBlock(room);
  const busy = room.phase === 'signing';
  const problem = room.signProblem;
  return (
    <div className="sign-line">
      <button
        type="button"
        className="btn primary"
        aria-disabled={block !== null || busy}
        aria-describedby="sign-why"
        aria-keyshortcuts={ariaHotkey(useKeyOf(sign))}
        onClick={context.sign}
      >
        <Glyph name="lock" />
        {busy ? unaided.committing : unaided.commit} <CommandKey command={sign} />
      </button>
      <span
        id="sign-why"
        className={problem === null ? 'why-not' : 'why-not problem'}
        role="status"
      >
        {problem === null ? (block ?? unaided.opens) : problem || unaided.failed}
      </span>
    </div>
  );
}

const GLYPHS: Readonly<Record<Agreement['kind'], GlyphName>> = {
  both: 'check',
  elsewhere: 'alert',
  'ai-only': 'plus',
  'reader-only': 'eye',
};

function goTo(agreement: Agreement, index: PackIndex | null): void {
  if ('finding' in agreement) setRoom({ activeFinding: agreement.finding.id });
  const geometry =
    'mark' in agreement ? agreement.mark.geometry : agreement.finding.location;
  if (!geometry) return;
  const series = seriesHolding(index, geometry.sop_uid);
  if (series !== null) jumpTo(series, geometry.sop_uid, geometry.frame);
}

function Line({ one, index }: { one: Agreement; index: PackIndex | null }) {
  const label = 'finding' in one ? one.finding.label : one.mark.label;
  const p = 'finding' in one ? one.finding.probability : null;
  const about = p === null ? '' : `${unaided.scored(p)} · `;
  return (
    <li>
      <button type="button" className="compared" onClick={() => goTo(one, index)}>
        <span className={`agreement ${one.kind}`}>
          <Glyph name={GLYPHS[one.kind]} small />
          {unaided.kinds[one.kind]}
        </span>
        <span className="about">
          <span className="l1">{label.display}</span>
          <span className="l2">
            {about}
            {unaided.kindDetail[one.kind]}
          </span>
        </span>
      </button>
    </li>
  );
}

function Committed({ content }: { content: Content }) {
  const changed = useRoom((state) => {
    const { annotations, impression } = state.draft.content;
    return !sameContent({ ...content, annotations, impression }, content);
  });
  const words = unaided.revealed;
  return (
    <div className="committed">
      <p>{content.impression || words.noImpression}</p>
      <p className="t3">
        {content.annotations.length === 0
          ? words.noMarks
          : content.annotations.map((mark) => mark.label.display).join(', ')}
      </p>
      <p className="t3">{changed ? words.changed : words.unchanged}</p>
    </div>
  );
}

/** After the reveal: where the reader and AI agree, where not, and what was committed. */
export function Comparison({ index }: { index: PackIndex | null }) {
  const own = useRoom((state) => state.reading?.unaided ?? null);
  const ai = useRoom((state) => state.ai);
  const [open, setOpen] = useState(false);
  if (!own || !ai?.visible) return null;
  const words = unaided.revealed;
  const findings = findingsOf(ai);
  const all = compareReads(own.content, findings);
  const answered = ai.runs.some((run) => run.state === 'done');
  const empty = answered ? words.nothing : words.pending;
  return (
    <section className="block comparison" aria-label={words.title}>
      <div className="panel-head">
        <h2>{words.title}</h2>
        <span className="t3">{words.committed(own.committed_at)}</span>
      </div>
      {all.length === 0 ? <p className="panel-word t2">{empty}</p> : null}
      <ul>
        {all.map((one) => (
          <Line
            key={'finding' in one ? one.finding.id : one.mark.id}
            one={one}
            index={index}
          />
        ))}
      </ul>
      <button
        type="button"
        className="link panel-word"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        {open ? words.hide : words.show}
      </button>
      {open ? <Committed content={own.content} /> : null}
    </section>
  );
}
