import { useEffect, useState } from 'react';
import type { AiRun, Finding, LesionChange } from '@/domain/model';
import { openPrior } from '@/state/hanging';
import { setLinks } from '@/state/linking';
import { loadAi } from '@/state/reading-session';
import { jumpTo, setRoom, useRoom } from '@/state/room';
import { change as words } from '@/text/en-change';
import { AiTag } from '@/ui/primitives';
import './changes.css';
import { compareWith } from './compare';
import type { FindingPlace } from './finding-card';
import { usePrior } from './use-prior';

/** Asked for again while a worker compares. */
const AGAIN_MS = 4000;
/** So long after a result its comparison may still be about to be asked for. */
const SOON_MS = 60_000;

function mayCome({ comparison, finished_at: at }: AiRun): boolean {
  if (comparison) return comparison.state === 'queued' || comparison.state === 'running';
  return at !== null && Date.now() - Date.parse(at) < SOON_MS;
}

/** The finding's lesions beside the earlier study's: what became of each, and where. */
export function Changes(props: {
  finding: Finding;
  run: AiRun;
  place: FindingPlace | null;
}) {
  const { finding, run } = props;
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
          <Lesion
            key={one.tracking_uid}
            one={one}
            study={found.prior.study_id}
            series={props.place?.series ?? null}
          />
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

function Lesion(props: { one: LesionChange; study: string; series: number | null }) {
  const { one } = props;
  return (
    <li data-change={one.kind}>
      <b>{words.line(one)}</b>
      <span className="t2">{words.more(one)}</span>
      {one.then_at ? <ShowBoth {...props} /> : null}
    </li>
  );
}

/** Puts the place on the earlier study beside the place on this one. */
function ShowBoth({
  one: { now_at: now, then_at: then },
  study,
  series,
}: {
  one: LesionChange;
  study: string;
  series: number | null;
}) {
  const [asked, setAsked] = useState(false);
  const { manifest, index } = usePrior(asked ? study : null);
  useEffect(() => {
    if (!asked || !manifest || !index || !then) return;
    setAsked(false);
    compareWith(study, manifest, index);
    // Each pane stays where its lesion is, until the reader binds them.
    setLinks({ scroll: false, offsets: {} });
    const at = [then.column, then.row] as const;
    setRoom({ jump: { pane: 1, sopUid: then.sop_uid, frame: 1, at } });
  }, [asked, manifest, index, then, study]);
  return (
    <button
      type="button"
      className="link"
      title={words.showHint}
      onClick={() => {
        openPrior(study);
        if (now && series !== null) jumpTo(series, now.sop_uid, 1, [now.column, now.row]);
        setAsked(true);
      }}
    >
      {words.show}
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
