import { useEffect } from 'react';
import { compareLesion } from '@/commands/reading/compare-lesion';
import { ariaHotkey } from '@/domain/hotkeys';
import type { AiRun, Finding, Id, LesionChange } from '@/domain/model';
import { CommandKey } from '@/features/shell/command-key';
import { showPair } from '@/state/display';
import { useKeyOf } from '@/state/own-keys';
import { loadAi } from '@/state/reading-session';
import { useRoom } from '@/state/room';
import { change as words } from '@/text/en-change';
import { AiTag } from '@/ui/primitives';
import './changes.css';

/** Asked for again while a worker compares. */
const AGAIN_MS = 4000;
/** So long after a result its comparison may still be about to be asked for. */
const SOON_MS = 60_000;

function mayCome({ comparison, finished_at: at }: AiRun): boolean {
  if (comparison) return comparison.state === 'queued' || comparison.state === 'running';
  return at !== null && Date.now() - Date.parse(at) < SOON_MS;
}

/** The finding's lesions beside the earlier study's: what became of each, and where. */
export function Changes({ finding, run }: { finding: Finding; run: AiRun }) {
  const found = run.comparison;
  useFollowed(finding.mask !== null && mayCome(run));
  if (!found) return null;
  const date = found.prior.study_date;
  if (found.state === 'queued' || found.state === 'running')
    return <p className="changes t3">{words.waiting(date)}</p>;
  if (found.state !== 'done')
    return <p className="changes">{words[found.state](date, found.reason)}</p>;
  const lesions = found.lesions.filter((one) => one.finding_id === finding.id);
  if (lesions.length === 0) return null;
  return (
    <section className="changes" aria-label={words.title}>
      <h4>
        {words.since(date, found.days)} <AiTag />
      </h4>
      <ul>
        {lesions.map((one) => (
          <Lesion key={one.tracking_uid} one={one} study={found.prior.study_id} />
        ))}
      </ul>
      {found.prior.same_version ? null : <p>{words.otherVersion(found)}</p>}
      <p className="t3">
        {lesions[0] ? words.rule(lesions[0]) : ''}.{' '}
        {found.registration ? words.laid(found.registration.inconsistency_mm) : ''}.
      </p>
    </section>
  );
}

function Lesion({ one, study }: { one: LesionChange; study: Id }) {
  return (
    <li data-change={one.kind}>
      <b>{words.line(one)}</b>
      <span className="t2">{words.more(one)}</span>
      <ShowBoth one={one} study={study} />
    </li>
  );
}

/** Puts the place on the earlier study beside the place on this one. */
function ShowBoth({ one, study }: { one: LesionChange; study: Id }) {
  const keys = ariaHotkey(useKeyOf(compareLesion));
  const { tracking_uid: key, now_at: now, then_at: earlier } = one;
  if (!earlier) return null;
  return (
    <button
      type="button"
      className="link"
      title={words.showHint}
      aria-keyshortcuts={keys}
      onClick={() => showPair({ key, study, now, earlier })}
    >
      {words.show} <CommandKey command={compareLesion} />
    </button>
  );
}

/** Asks again what the AI says, as long as something is still being compared. */
function useFollowed(waiting: boolean): void {
  const itemId = useRoom((state) => state.itemId);
  const ai = useRoom((state) => state.ai);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each answer asks anew
  useEffect(() => {
    if (!waiting || itemId === null) return undefined;
    const timer = setTimeout(() => void loadAi(itemId), AGAIN_MS);
    return () => clearTimeout(timer);
  }, [waiting, itemId, ai]);
}
