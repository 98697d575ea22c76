import { memo } from 'react';
import {
  formatClock,
  formatExact,
  formatInteger,
  formatProbability,
} from '@/domain/format';
import type { AiState, Preliminary, Row } from '@/domain/model';
import { measureWait, wordAgo, wordMinutes } from '@/domain/wait';
import { useNow } from '@/state/clock';
import { text } from '@/text/en';
import { verifying } from '@/text/en-verify';
import { worklist } from '@/text/en-worklist';
import { Glyph, type GlyphName } from '@/ui/glyph';
import { Avatar, ProbabilityBar } from '@/ui/primitives';

/** Minutes past the deadline from which the words of the allowance no longer fit. */
const LONG_OVER = 600;

/** Waiting time against the band's deadline: words, bar, and the exact time on hover. */
export function WaitCell({ arrived, deadline }: { arrived: string; deadline: string }) {
  const wait = measureWait(arrived, deadline, useNow());
  const over = wait.state === 'over';
  return (
    <span title={text.list.arrivedAt(formatExact(arrived), formatExact(deadline))}>
      <span className={`wait ${wait.state}`}>
        {over ? <Glyph name="alert" small /> : null}
        <b>{over ? text.list.over(wordMinutes(wait.over)) : wordMinutes(wait.minutes)}</b>
        {wait.over < LONG_OVER ? (
          <span className="t3">{text.list.ofDeadline(wordMinutes(wait.allowed))}</span>
        ) : null}
      </span>
      <span className={`wait-bar ${wait.state}`} aria-hidden="true">
        <i style={{ width: `${wait.share * 100}%` }} />
      </span>
    </span>
  );
}

export const PatientCell = memo(function PatientCell({
  patient,
}: {
  patient: Row['patient'];
}) {
  const who = [patient.sex, patient.age_text].filter(Boolean).join(' ');
  return (
    <>
      <span className="l1 name" title={patient.name}>
        {patient.name}
      </span>
      <span className="l2" title={patient.id}>
        {[who, text.room.patientId(patient.id)].filter(Boolean).join(' · ')}
      </span>
    </>
  );
});

interface StudyCellProps {
  readonly study: Row['study'];
  readonly tier: Row['tier'];
}

/** Who the study is for by how sure the models are; nothing for anybody. */
function TierTag({ tier }: { tier: Row['tier'] }) {
  if (tier === '') return null;
  return (
    <span className={`tier ${tier}`} title={verifying.tierTitles[tier]}>
      {verifying.tiers[tier]}
    </span>
  );
}

export const StudyCell = memo(function StudyCell({ study, tier }: StudyCellProps) {
  const images = text.list.images(formatInteger(study.n_images), study.n_images === 1);
  const parts = [images, study.station];
  if (study.revision > 1) parts.push(text.list.revision(study.revision));
  return (
    <span className="study">
      <span className="modality">{study.modality}</span>
      <span>
        <span className="l1">
          {study.description || study.body_part || study.modality}
        </span>
        <span className="l2">
          <TierTag tier={tier} /> {parts.filter(Boolean).join(' · ')}
        </span>
      </span>
    </span>
  );
});

const WITHOUT: Readonly<Record<AiState, string>> = {
  pending: text.list.notKnown,
  running: text.list.notKnown,
  failed: text.list.noResult,
  rejected: text.list.noResult,
  none: text.list.notAnalysed,
  blinded: text.list.hidden,
  done: text.list.nothingFound,
};

function Finding({ ai }: { ai: Row['ai'] }) {
  const p = ai.probability;
  const below = p !== null && ai.threshold !== null && p < ai.threshold;
  return (
    <>
      <span className="ai-line">
        <span className={below ? 'cut t2' : 'cut'}>{ai.label}</span>
        {ai.n_more > 0 ? (
          <span className="more" title={text.list.moreFindings(ai.n_more)}>
            +{ai.n_more}
          </span>
        ) : null}
      </span>
      {p === null ? null : (
        <span className="p-line">
          <span className="p">{formatProbability(p)}</span>
          <ProbabilityBar p={p} threshold={ai.threshold} />
          <span className="t3">
            {below ? text.list.belowThreshold : ai.acuity ? text.acuity[ai.acuity] : ''}
          </span>
        </span>
      )}
    </>
  );
}

/** What the AI saw, or in words why nothing is known. Never blank. */
export const AiCell = memo(function AiCell({ ai }: { ai: Row['ai'] }) {
  if (ai.state === 'done' && ai.label) return <Finding ai={ai} />;
  return (
    <>
      <span className="ai-line t2">{WITHOUT[ai.state]}</span>
      <span className="l2">{ai.state === 'done' ? '' : text.list.neutral}</span>
    </>
  );
});

const GLYPHS: Readonly<Record<AiState, GlyphName>> = {
  done: 'check',
  pending: 'turn',
  running: 'turn',
  failed: 'alert',
  rejected: 'alert',
  none: 'none',
  blinded: 'lock',
};

export const AiStateCell = memo(function AiStateCell({ ai }: { ai: Row['ai'] }) {
  const model = ai.model ? `${ai.model.name} ${ai.model.version}` : '';
  const words = ai.state === 'done' ? model : ai.reason || model;
  return (
    <>
      <span className={`state ${ai.state}`}>
        <Glyph name={GLYPHS[ai.state]} small />
        {text.aiStates[ai.state]}
      </span>
      <span className="l2" title={words}>
        {words}
      </span>
    </>
  );
});

function leaseWords(lease: NonNullable<Row['lease']>, now: number): string {
  if (!lease.mine) return text.list.reading(wordAgo(lease.since, now));
  return lease.draft_saved_at
    ? text.list.draftSaved(wordAgo(lease.draft_saved_at, now))
    : text.list.opened(wordAgo(lease.since, now));
}

interface PersonProps {
  readonly person: NonNullable<Row['lease']>['holder'];
  readonly me: boolean;
  readonly name: string;
  readonly words: string;
  readonly meant?: boolean;
}

function Person({ person, me, name, words, meant = false }: PersonProps) {
  return (
    <span className={meant ? 'reader meant' : 'reader'}>
      <Avatar initials={person.initials} me={me} />
      <span>
        <span className="l1" title={name}>
          {name}
        </span>
        <span className="l2">{words}</span>
      </span>
    </span>
  );
}

/** What a signed study waits for, and since when: its deadline is no longer its clock. */
export function VerifyCell({ said }: { said: Preliminary }) {
  const since = said.decided_at ?? said.asked_at;
  const words = said.mine ? verifying.list.toAmend : verifying.list.toVerify;
  return (
    <span title={verifying.list.since(formatExact(since))}>
      <span className="l1">{wordAgo(since, useNow())}</span>
      <span className="l2">{words}</span>
    </span>
  );
}

/** Who signed it; of one that was sent back, who sent it and why. */
function SignerCell({ said }: { said: Preliminary }) {
  const name = said.mine ? said.decided_by : said.signed_by;
  const words = said.mine ? said.reason : verifying.list.signedIt;
  return (
    <span title={said.mine ? verifying.list.reason(name, words) : name}>
      <span className="l1">{name}</span>
      <span className="l2">{words}</span>
    </span>
  );
}

type ReaderCellProps = Pick<Row, 'lease' | 'assignee' | 'preliminary'>;

/** Who reads it; else who signed it; else for whom it is meant; else that it is free. */
export function ReaderCell({ lease, assignee, preliminary }: ReaderCellProps) {
  const now = useNow();
  if (lease) {
    const name = lease.mine ? text.common.you : lease.holder.display_name;
    const words = leaseWords(lease, now);
    return <Person person={lease.holder} me={lease.mine} name={name} words={words} />;
  }
  if (preliminary) return <SignerCell said={preliminary} />;
  if (!assignee) return <span className="t3">{text.list.free}</span>;
  const { person, mine, at } = assignee;
  const name = mine ? worklist.meantForYou : worklist.meantFor(person.display_name);
  const words = worklist.assignedAgo(wordAgo(at, now));
  return <Person person={person} me={mine} name={name} words={words} meant />;
}

/** The deadline itself, and how far away it is: in words, not by colour alone. */
export function DeadlineCell({
  arrived,
  deadline,
}: {
  arrived: string;
  deadline: string;
}) {
  const now = useNow();
  const wait = measureWait(arrived, deadline, now);
  const over = wait.state === 'over';
  const left = Math.ceil((Date.parse(deadline) - now) / 60_000);
  return (
    <span title={formatExact(deadline)}>
      <span className="l1">{formatClock(deadline)}</span>
      <span className={`l2 wait ${wait.state}`}>
        {over ? <Glyph name="alert" small /> : null}
        <b>
          {over
            ? worklist.lateBy(wordMinutes(wait.over))
            : worklist.inTime(wordMinutes(left))}
        </b>
      </span>
    </span>
  );
}

export function PlainCell({ words }: { words: string }) {
  return (
    <span className="l1" title={words}>
      {words || '–'}
    </span>
  );
}

export function DateCell({ day }: { day: string | null }) {
  return <span className="l1">{day ?? '–'}</span>;
}
