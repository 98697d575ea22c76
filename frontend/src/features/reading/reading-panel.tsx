import { ariaHotkey } from '@/domain/hotkeys';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyOf } from '@/state/own-keys';
import './panel.css';
import type { ReadingContext } from '@/commands/reading/context';
import { sign } from '@/commands/reading/sign';
import type { PackIndex } from '@/imaging/pack';
import { isUnaided, mustAnswer } from '@/state/reading-session';
import { changeDraft, type RoomState, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { signed } from '@/text/en-signed';
import { verifying } from '@/text/en-verify';
import { Glyph } from '@/ui/glyph';
import { FindingsPanel } from './findings-panel';
import { ForeignPanel } from './foreign-panel';
import { MarksList } from './marks-list';
import { ReportLine } from './report-dialog';
import { SegmentsList } from './segments-list';
import { signBlock } from './sign-block';
import { CommitLine, UnaidedSteps } from './unaided';

const panel = text.room.panel;

function Steps({ context }: { context: ReadingContext }) {
  const reading = useRoom((state) => state.reading);
  const blind = reading !== null && (isUnaided(reading) || reading.unaided !== null);
  return blind ? <UnaidedSteps reading={reading} /> : <AidedSteps context={context} />;
}

function AidedSteps({ context }: { context: ReadingContext }) {
  const content = useRoom((state) => state.draft.content);
  const signed = useRoom(
    ({ phase, reading }) =>
      phase === 'signed' || (phase === 'looking' && reading?.signed_at !== null),
  );
  const asked = context.findings.filter((finding) => finding.positive).length;
  const open = mustAnswer(context.findings, content).length;
  const answering = open > 0;
  const middle =
    asked === 0
      ? panel.read
      : answering
        ? panel.answer(asked - open, asked)
        : panel.answered;
  return (
    <ol className="steps">
      <li className="done">{panel.opened}</li>
      <li
        className={asked > 0 && !answering ? 'done' : ''}
        aria-current={answering || asked === 0 ? 'step' : undefined}
      >
        {middle}
      </li>
      <li
        className={signed ? 'done' : ''}
        aria-current={!answering && asked > 0 && !signed ? 'step' : undefined}
      >
        {panel.stepSign}
      </li>
    </ol>
  );
}

/** What the protocol asks for: silence about it is an answer. */
function AskedFor() {
  const asks = useRoom((state) => state.reading?.asks ?? NOTHING);
  return asks.length === 0 ? null : <p className="asked-for">{panel.asks(asks)}</p>;
}

const NOTHING: readonly string[] = [];

function Impression({ writable }: { writable: boolean }) {
  const impression = useRoom((state) => state.draft.content.impression);
  return (
    <section className="impression">
      <div className="panel-head">
        <h2>
          <label htmlFor="impression">{panel.impression}</label>
        </h2>
      </div>
      <textarea
        id="impression"
        value={impression}
        placeholder={panel.impressionHint}
        readOnly={!writable}
        maxLength={20_000}
        onChange={(event) =>
          changeDraft({ type: 'write', impression: event.currentTarget.value })
        }
      />
    </section>
  );
}

const signWord = ({ reading }: RoomState) =>
  reading?.amends ? signed.room.sign : panel.sign;

/** Before it is signed: that a signature of this person is not enough. */
function BeforeSigning({ context }: { context: ReadingContext }) {
  const open = useRoom((state) => state.phase === 'open');
  if (!open || context.can('reading:verify')) return null;
  return <p className="asked-for">{verifying.beforeSigning}</p>;
}

function SignLine({ context }: { context: ReadingContext }) {
  const room = useRoom();
  const block = signBlock(room, context.findings);
  const busy = room.phase === 'signing';
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
        <Glyph name="sign" />
        {busy ? panel.signing : signWord(room)} <CommandKey command={sign} />
      </button>
      <span
        id="sign-why"
        className={room.signProblem === null ? 'why-not' : 'why-not problem'}
        role="status"
      >
        {room.signProblem !== null ? (
          <>
            <Glyph name="alert" small />
            {room.signProblem || panel.signFailed}
          </>
        ) : block ? (
          <>
            <Glyph name="info" small />
            {block}
          </>
        ) : null}
      </span>
    </div>
  );
}

export interface ReadingPanelProps {
  readonly context: ReadingContext;
  readonly index: PackIndex | null;
}

/** The right side: AI's findings, one's own marks, the impression, and signing. */
export function ReadingPanel({ context, index }: ReadingPanelProps) {
  const blind = useRoom((state) => isUnaided(state.reading));
  return (
    <aside className="panel">
      <Steps context={context} />
      <div className="panel-scroll">
        <FindingsPanel context={context} index={index} />
        <MarksList context={context} index={index} />
        <SegmentsList context={context} index={index} />
        <ForeignPanel index={index} />
      </div>
      <div className="panel-foot">
        <AskedFor />
        <BeforeSigning context={context} />
        <Impression writable={context.writable} />
        <ReportLine />
      </div>
      {blind ? <CommitLine context={context} /> : <SignLine context={context} />}
    </aside>
  );
}
