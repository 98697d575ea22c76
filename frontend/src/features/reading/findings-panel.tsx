import { addMissed } from '@/commands/reading/add-missed';
import type { ReadingContext } from '@/commands/reading/context';
import { nextFinding } from '@/commands/reading/next-finding';
import { boxAround } from '@/domain/geometry';
import type { Mask } from '@/domain/mask';
import type { Ai, AiRun, Finding } from '@/domain/model';
import { CommandKey } from '@/features/shell/command-key';
import type { PackIndex } from '@/imaging/pack';
import { isUnaided, loadAi, mustAnswer } from '@/state/reading-session';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { unaided } from '@/text/en-unaided';
import { Glyph } from '@/ui/glyph';
import { AiTag } from '@/ui/primitives';
import { FindingCard, FindingRow } from './finding-card';
import { InputQuality } from './input-quality';
import { useMasks } from './masks';
import { Comparison, Locked } from './unaided';

const panel = text.room.panel;

/** What hides AI here, when it is not this item's own protocol. */
const oddReason = (ai: Ai) =>
  ai.display_mode === 'concurrent' ? (ai.hidden_reason ?? '') : '';

/** In words, why there is no finding: pending, failed, rejected, none, or nothing found. */
function RunWord({ run }: { run: AiRun }) {
  if (run.findings.length > 0) return null;
  return (
    <p className="panel-word">
      {panel.states[run.state]} {run.reason}{' '}
      <span className="t3">
        {run.model.name} {run.model.version}
      </span>
    </p>
  );
}

function NoRun() {
  const ai = useRoom((state) => state.item?.ai ?? null);
  if (!ai) return null;
  return (
    <p className="panel-word">
      {panel.states[ai.state]} {ai.state === 'none' ? '' : ai.reason}
    </p>
  );
}

/** The image that shows a finding best, and where on it. */
function bestImage({ location, saliency, mask: ref }: Finding, mask: Mask | null) {
  const centre = mask?.centre ?? null;
  if (mask && centre) {
    const at = [centre.column + 0.5, centre.row + 0.5] as const;
    return { sop: mask.sopUids[centre.frame], frame: 1, at };
  }
  const on = location ?? saliency;
  if (!on) return { sop: ref?.sop_uids[ref.sop_uids.length >> 1], frame: 1, at: null };
  const box = location?.space === 'image' ? boxAround(location.points) : null;
  const at = box ? ([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2] as const) : null;
  return { sop: on.sop_uid, frame: on.frame, at };
}

/** Where on the stack a finding is: pack series and 1-based place of its image. */
function placeOf(finding: Finding, mask: Mask | null, index: PackIndex | null) {
  const { sop, frame, at } = bestImage(finding, mask);
  for (const series of index?.series ?? []) {
    let before = 0;
    for (const instance of series.instances) {
      if (instance.sop_uid === sop)
        return { series: series.index, image: before + frame, sopUid: sop, frame, at };
      before += Math.max(1, instance.n_frames);
    }
  }
  return null;
}

function List({
  ai,
  context,
  index,
}: {
  ai: Ai;
  context: ReadingContext;
  index: PackIndex | null;
}) {
  const active = useRoom((state) => state.activeFinding);
  const verdicts = useRoom((state) => state.draft.content.verdicts);
  const masks = useMasks(ai.runs.flatMap((run) => run.findings));
  const all = ai.runs.flatMap((run) => run.findings.map((finding) => ({ run, finding })));
  return all.map(({ run, finding }, place) => {
    const props = {
      run,
      finding,
      context,
      number: place + 1,
      verdict: verdicts[finding.id] ?? null,
      place: placeOf(finding, masks.get(finding.id) ?? null, index),
    };
    return finding.id === active ? (
      <FindingCard key={finding.id} {...props} />
    ) : (
      <FindingRow key={finding.id} {...props} />
    );
  });
}

function Heading({ context }: { context: ReadingContext }) {
  const content = useRoom((state) => state.draft.content);
  const blind = useRoom((state) => isUnaided(state.reading));
  const { findings } = context;
  const open = mustAnswer(findings, content).length;
  const asked = findings.filter((finding) => finding.positive).length;
  return (
    <div className="panel-head">
      <h2>{blind ? unaided.yourRead : panel.title}</h2>
      {open > 0 ? <span className="todo">{panel.todo(open, asked)}</span> : null}
      {asked > 0 && open === 0 ? <span className="done">{panel.allDone}</span> : null}
      <span className="grow" />
      {findings.length > 1 ? (
        <>
          <CommandKey command={nextFinding} />
          <span className="t3">{panel.next}</span>
        </>
      ) : null}
    </div>
  );
}

function AddMissed({ context }: { context: ReadingContext }) {
  return (
    <div className="panel-word">
      <button
        type="button"
        className="btn small"
        aria-disabled={!addMissed.when(context)}
        onClick={() => {
          if (addMissed.when(context)) addMissed.perform(context);
        }}
      >
        <Glyph name="plus" small />
        {panel.addMissed} <CommandKey command={addMissed} />
      </button>
    </div>
  );
}

export interface FindingsPanelProps {
  readonly context: ReadingContext;
  readonly index: PackIndex | null;
}

/** What AI says, one finding in focus, each to be answered by a person. */
export function FindingsPanel({ context, index }: FindingsPanelProps) {
  const ai = useRoom((state) => state.ai);
  const failure = useRoom((state) => state.aiFailure);
  const itemId = useRoom((state) => state.itemId);
  return (
    <section className="block" aria-label={panel.title}>
      <Comparison index={index} />
      <Heading context={context} />
      {failure === null ? null : (
        <p className="panel-word" role="alert">
          {panel.failed}{' '}
          <button
            type="button"
            className="link"
            onClick={() => {
              if (itemId) void loadAi(itemId);
            }}
          >
            {text.common.retry}
          </button>
        </p>
      )}
      {ai && !ai.visible ? (
        <Locked never={ai.display_mode === 'none'} reason={oddReason(ai)} />
      ) : null}
      {ai?.visible ? (
        <>
          {context.findings.length > 0 ? (
            <p className="disclaimer">
              <AiTag /> {panel.disclaimer}
            </p>
          ) : null}
          {ai.runs.length === 0 ? <NoRun /> : null}
          {ai.runs.map((run) => (
            <RunWord key={run.id} run={run} />
          ))}
          <List ai={ai} context={context} index={index} />
          {ai.runs.map((run) => (
            <InputQuality key={run.id} run={run} />
          ))}
        </>
      ) : null}
      <AddMissed context={context} />
    </section>
  );
}
