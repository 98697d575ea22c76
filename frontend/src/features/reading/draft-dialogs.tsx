import './draft-dialogs.css';
import { Modal } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import {
  type Difference,
  differences,
  firstChoice,
  mergeContents,
  type Side,
} from '@/domain/merge';
import type { Content } from '@/domain/model';
import { segmentName } from '@/domain/segment/model';
import { keepMerged, saveNow } from '@/state/reading-session';
import { endAsking, findingsOf, getRoom, setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { drafts } from '@/text/en-drafts';
import { segments } from '@/text/en-segments';

/** Leaves the room once everything is saved; asks first when it cannot be. */
export async function leaveRoom(navigate: (to: string) => void): Promise<void> {
  const { phase, save } = getRoom();
  if (phase !== 'open' || save.kind === 'lost' || (await saveNow())) navigate('/');
  else setRoom({ ask: { kind: 'leave' } });
}

/** Asks whoever leaves with unsaved work. */
export function LeaveDialog() {
  const [, navigate] = useLocation();
  return (
    <Modal opened onClose={endAsking} title={drafts.leave.title}>
      <div className="form-column">
        <p>{drafts.leave.detail}</p>
        <div className="form-actions">
          <button type="button" className="btn" onClick={() => navigate('/')}>
            {drafts.leave.go}
          </button>
          <button
            type="button"
            className="btn primary"
            onClick={endAsking}
            data-autofocus
          >
            {drafts.leave.stay}
          </button>
        </div>
      </div>
    </Modal>
  );
}

const VERDICTS = {
  accept: text.room.panel.accepted,
  reject: text.room.panel.rejected,
  modify: text.room.panel.modified,
} as const;

/** What one side says of one thing, in words. */
function wordsOf(one: Difference, side: Side): string {
  switch (one.kind) {
    case 'impression':
      return one[side] || drafts.nothing;
    case 'mark': {
      const mark = one[side];
      return mark
        ? [mark.label.display, mark.text].filter(Boolean).join(': ')
        : drafts.nothing;
    }
    case 'segmentation': {
      const said = one[side];
      return said
        ? `${said.segments.map(segmentName).join(', ')}, ${segments.images(Object.keys(said.slices).length)}`
        : drafts.nothing;
    }
    case 'foreign': {
      const answer = one[side];
      return answer ? VERDICTS[answer.verdict] : drafts.nothing;
    }
    case 'verdict': {
      const verdict = one[side];
      if (!verdict) return drafts.nothing;
      const more = [verdict.label?.display, verdict.reason_text, verdict.reason_code];
      return [VERDICTS[verdict.verdict], more.find(Boolean)].filter(Boolean).join(', ');
    }
  }
}

function titleOf(one: Difference): string {
  if (one.kind === 'impression') return drafts.impression;
  if (one.kind === 'segmentation') return segments.title;
  if (one.kind === 'mark') return (one.mine ?? one.theirs)?.label.display ?? '';
  if (one.kind === 'foreign') {
    return `${drafts.pacs}: ${(one.mine ?? one.theirs)?.display ?? ''}`;
  }
  const finding = findingsOf(getRoom().ai).find(({ id }) => id === one.key);
  return `${drafts.answer}: ${finding?.label.display ?? ''}`;
}

interface ChoiceProps {
  readonly one: Difference;
  readonly chosen: Side | null;
  readonly onChoose: (side: Side) => void;
}

function Choice({ one, chosen, onChoose }: ChoiceProps) {
  return (
    <fieldset className="difference">
      <legend>{titleOf(one)}</legend>
      {(['mine', 'theirs'] as const).map((side) => (
        <label key={side} className={chosen === side ? 'on' : ''}>
          <input
            type="radio"
            name={one.key}
            checked={chosen === side}
            onChange={() => onChoose(side)}
          />
          <span className="t3">{side === 'mine' ? drafts.mine : drafts.theirs}</span>
          <span className="said">{wordsOf(one, side)}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** Both sides of a conflict; the reader makes one of them. */
export function ConflictDialog() {
  const save = useRoom((state) => state.save);
  const mine = useRoom((state) => state.draft.content);
  if (save.kind !== 'conflict') return null;
  return <Merge mine={mine} theirs={save.theirs.content} />;
}

function Merge({ mine, theirs }: { mine: Content; theirs: Content }) {
  const [chosen, setChosen] = useState<Readonly<Record<string, Side>>>({});
  const all = differences(mine, theirs);
  const sideOf = (one: Difference) => chosen[one.key] ?? firstChoice(one);
  const open = all.filter((one) => sideOf(one) === null).length;
  const finish = () => {
    if (open === 0)
      keepMerged(mergeContents(mine, theirs, (one) => sideOf(one) ?? 'mine'));
  };
  return (
    <Modal opened onClose={endAsking} title={drafts.title} size="lg">
      <form
        className="form-column"
        onSubmit={(event) => {
          event.preventDefault();
          finish();
        }}
      >
        <p>{drafts.detail}</p>
        {all.map((one) => (
          <Choice
            key={`${one.kind} ${one.key}`}
            one={one}
            chosen={sideOf(one)}
            onChoose={(side) => setChosen({ ...chosen, [one.key]: side })}
          />
        ))}
        <div className="form-actions">
          <button type="button" className="btn" onClick={endAsking}>
            {text.common.cancel}
          </button>
          <button type="submit" className="btn primary" aria-disabled={open > 0}>
            {open > 0 ? drafts.chooseFirst(open) : drafts.merge}
          </button>
        </div>
      </form>
    </Modal>
  );
}
