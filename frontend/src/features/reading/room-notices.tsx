import type { Content } from '@/domain/model';
import { setDisplay, useDisplay } from '@/state/display';
import {
  useLocalCopy as chooseLocalCopy,
  keepMine,
  leaseAgain,
  takeTheirs,
} from '@/state/reading-session';
import { setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { drafts } from '@/text/en-drafts';
import { Notice } from '@/ui/primitives';
import { AmendmentNotice } from './amendment';
import { CriticalNotices } from './critical-sign';
import { LookingNotice } from './looking';
import { hasLateSlices } from './sign-block';
import { UnaidedBanner } from './unaided';
import { PreliminaryNotice } from './verifying';

function summary(content: Content): string {
  return text.room.conflict.summary(
    Object.keys(content.verdicts).length,
    content.annotations.length,
    content.impression.length,
  );
}

function Conflict() {
  const save = useRoom((state) => state.save);
  const content = useRoom((state) => state.draft.content);
  if (save.kind !== 'conflict') return null;
  const words = text.room.conflict;
  return (
    <Notice
      kind="warn"
      title={words.title}
      assertive
      actions={
        <>
          <button
            type="button"
            className="btn small"
            onClick={() => setRoom({ ask: { kind: 'conflict' } })}
          >
            {drafts.compare}
          </button>
          <button type="button" className="btn small" onClick={keepMine}>
            {words.keepMine}
          </button>
          <button type="button" className="btn small" onClick={takeTheirs}>
            {words.takeTheirs}
          </button>
        </>
      }
    >
      {words.detail}
      <div>
        {words.mine}: {summary(content)}
      </div>
      <div>
        {words.theirs}: {summary(save.theirs.content)}
      </div>
    </Notice>
  );
}

function Lost() {
  const save = useRoom((state) => state.save);
  if (save.kind !== 'lost') return null;
  return (
    <Notice
      kind="fail"
      title={text.room.lost.title(save.to.holder)}
      assertive
      actions={
        <button type="button" className="btn small" onClick={() => void leaseAgain()}>
          {text.room.lost.again}
        </button>
      }
    >
      {text.room.lost.detail}
    </Notice>
  );
}

function LateSlices({ onReload }: { onReload: () => void }) {
  const late = useRoom(hasLateSlices);
  const confirmed = useRoom((state) => state.lateConfirmed);
  const now = useRoom((state) => state.item?.study.revision ?? 0);
  const opened = useRoom((state) => state.openedRevision?.number ?? 0);
  if (!late || confirmed) return null;
  return (
    <Notice
      kind="warn"
      title={text.room.late.title(now)}
      assertive
      actions={
        <>
          <button type="button" className="btn small" onClick={onReload}>
            {text.room.late.reload}
          </button>
          <button
            type="button"
            className="btn small"
            onClick={() => setRoom({ lateConfirmed: true })}
          >
            {text.room.late.confirm}
          </button>
        </>
      }
    >
      {text.room.late.detail(opened)}
    </Notice>
  );
}

function Kept() {
  const restored = useRoom((state) => state.restored);
  const restorable = useRoom((state) => state.restorable);
  const words = text.room.restorable;
  if (restorable) {
    return (
      <Notice
        kind="warn"
        title={words.title}
        actions={
          <>
            <button
              type="button"
              className="btn small"
              onClick={() => chooseLocalCopy(true)}
            >
              {words.take}
            </button>
            <button
              type="button"
              className="btn small"
              onClick={() => chooseLocalCopy(false)}
            >
              {words.drop}
            </button>
          </>
        }
      >
        {words.detail} {summary(restorable.content)}
      </Notice>
    );
  }
  if (!restored) return null;
  return (
    <Notice
      kind="good"
      title={text.room.restored}
      actions={
        <button
          type="button"
          className="btn small"
          onClick={() => setRoom({ restored: false })}
        >
          {text.common.close}
        </button>
      }
    />
  );
}

/** Why something just asked for was not done; goes when it has been read. */
function Refusal() {
  const refusal = useDisplay((state) => state.refusal);
  if (refusal === null) return null;
  return (
    <Notice
      kind="warn"
      title={refusal}
      assertive
      actions={
        <button
          type="button"
          className="btn small"
          onClick={() => setDisplay({ refusal: null })}
        >
          {text.common.close}
        </button>
      }
    />
  );
}

interface RoomNoticesProps {
  readonly onReload: () => void;
  readonly onVerify: () => void;
}

/** What must be known or decided before going on, above the images. */
export function RoomNotices({ onReload, onVerify }: RoomNoticesProps) {
  return (
    <div className="room-notices">
      <Conflict />
      <Lost />
      <LateSlices onReload={onReload} />
      <Kept />
      <AmendmentNotice />
      <LookingNotice />
      <PreliminaryNotice onVerify={onVerify} />
      <Refusal />
      <UnaidedBanner />
      <CriticalNotices />
    </div>
  );
}
