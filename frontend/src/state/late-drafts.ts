import { saveReading } from '@/api/endpoints';
import type { Id } from '@/domain/model';
import { drafts } from '@/text/en-drafts';
import { dropCopy, type KeptCopy, keptCopies } from './local-copies';
import { leaveMessage } from './message';
import { isReading } from './reading-session';
import { Slices } from './segment-slices';

/** Another window's copy may be on its way from there; older than this, it is left. */
const LEFT_MS = 90_000;
const AGAIN_MS = 30_000;

/** Left behind by a window that is gone, or by this one when it left the room. */
function isLeft(copy: KeptCopy): boolean {
  if (isReading(copy.item)) return false;
  return copy.ours || Date.now() - copy.at > LEFT_MS;
}

/**
 * Sends what this browser keeps of a person's unsaved work. What the portal does not
 * take (somebody else has the study, or newer words of ours are there) stays, and is
 * offered when the study is opened again.
 */
export async function sendLeftBehind(user: Id): Promise<number> {
  let sent = 0;
  for (const copy of keptCopies(user).filter(isLeft)) {
    try {
      const slices = new Slices(copy.item, async () => undefined);
      await slices.adopt(copy.key);
      await slices.send(copy.content, false);
      await saveReading(copy.item, copy.version, copy.content);
      dropCopy(copy.key);
      sent += 1;
    } catch {
      // It stays where it is; the next try comes by itself.
    }
  }
  return sent;
}

/** Sends what was left behind: now, when the network returns, and now and then. */
export function followLeftBehind(user: Id): () => void {
  let busy = false;
  const go = async () => {
    if (busy || keptCopies(user).length === 0) return;
    busy = true;
    const sent = await sendLeftBehind(user).finally(() => {
      busy = false;
    });
    if (sent > 0) leaveMessage(drafts.late(sent));
  };
  const start = () => void go();
  start();
  window.addEventListener('online', start);
  const timer = setInterval(start, AGAIN_MS);
  return () => {
    window.removeEventListener('online', start);
    clearInterval(timer);
  };
}
