import type { Finding } from '@/domain/model';
import { isUnaided, mustAnswer } from '@/state/reading-session';
import type { RoomState } from '@/state/room';
import { text } from '@/text/en';
import { looking } from '@/text/en-looking';
import { unaided } from '@/text/en-unaided';

/** Whether slices have come after opening that the reader has not confirmed. */
export function hasLateSlices(room: RoomState): boolean {
  const opened = room.openedRevision;
  return (
    opened !== null && room.item !== null && room.item.study.revision_id !== opened.id
  );
}

/** In words, why the read cannot be committed now; null when it can. */
export function commitBlock(room: RoomState): string | null {
  if (room.phase === 'looking') return looking.only;
  if (room.save.kind === 'lost') return text.room.panel.leaseFirst;
  if (room.save.kind === 'conflict') return text.room.panel.resolveFirst;
  return null;
}

/** In words, why signing is not possible now; null when it is. */
export function signBlock(room: RoomState, findings: readonly Finding[]): string | null {
  if (room.phase === 'looking') return looking.only;
  if (room.save.kind === 'lost') return text.room.panel.leaseFirst;
  if (room.save.kind === 'conflict') return text.room.panel.resolveFirst;
  if (isUnaided(room.reading)) return unaided.commitFirst;
  const open = mustAnswer(findings, room.draft.content).length;
  if (open > 0) return text.room.panel.answerFirst(open);
  if (hasLateSlices(room) && !room.lateConfirmed) return text.room.panel.confirmSlices;
  return null;
}
