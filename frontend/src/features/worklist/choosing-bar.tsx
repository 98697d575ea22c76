import { assignRows } from '@/commands/worklist/assign-rows';
import { undoAssign } from '@/commands/worklist/undo-assign';
import { CommandKey } from '@/features/shell/command-key';
import {
  clearChosen,
  type Done,
  dismissDone,
  undoLast,
  useChoosing,
} from '@/state/choosing';
import { useStill } from '@/state/press';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Key, Notice } from '@/ui/primitives';

function wordsOf(done: Done): string {
  switch (done.kind) {
    case 'assigned':
      return worklist.assigned(done.n, done.to);
    case 'unassigned':
      return worklist.unassigned(done.n);
    case 'undone':
      return worklist.undone(done.n);
    case 'failed':
      return worklist.assignFailed;
  }
}

function Refused({ done }: { done: Done }) {
  if (done.refused.length === 0) return null;
  return (
    <>
      <p>{worklist.refused(done.refused.length)}</p>
      <ul className="refused">
        {done.refused.map((one) => (
          <li key={`${one.name} ${one.detail}`}>
            {one.name}: {one.detail}
          </li>
        ))}
      </ul>
    </>
  );
}

/** How the last assignment went, and its undo. */
export function DoneNotice() {
  const done = useStill(useChoosing((state) => state.done));
  if (done === null) return null;
  const bad = done.kind === 'failed' || done.refused.length > 0;
  return (
    <Notice
      kind={bad ? 'warn' : 'good'}
      title={wordsOf(done)}
      assertive={bad}
      actions={
        <>
          {done.batches.length > 0 ? (
            <button type="button" className="btn small" onClick={() => void undoLast()}>
              {worklist.undo} <CommandKey command={undoAssign} />
            </button>
          ) : null}
          <button type="button" className="btn small quiet" onClick={dismissDone}>
            {text.common.close}
          </button>
        </>
      }
    >
      {done.problem}
      <Refused done={done} />
    </Notice>
  );
}

/** What can be done with the chosen rows. */
export function ChoosingBar({ onAssign }: { onAssign: () => void }) {
  const n = useChoosing((state) => state.chosen.size);
  const working = useChoosing((state) => state.working);
  if (n === 0) return null;
  return (
    <section className="choosing appear" aria-label={worklist.chosen(n)}>
      <b aria-live="polite">
        {working ? worklist.working(working.done, working.all) : worklist.chosen(n)}
      </b>
      <button
        type="button"
        className="btn small primary"
        aria-disabled={working !== null}
        onClick={onAssign}
      >
        {worklist.assign} <CommandKey command={assignRows} />
      </button>
      <button type="button" className="btn small quiet" onClick={clearChosen}>
        {worklist.clearChosen} <Key>Esc</Key>
      </button>
    </section>
  );
}
