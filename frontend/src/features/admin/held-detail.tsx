import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Quarantined } from '@/api/admin-types';
import { readComparison } from '@/api/held-endpoints';
import type { Comparison, HeldAction } from '@/api/held-types';
import { text } from '@/text/en';
import { held as words } from '@/text/en-held';
import { Notice } from '@/ui/primitives';
import { HeldDialog } from './held-dialogs';
import { Files, Headers, Pictures } from './held-sides';
import { wordsOf } from './table';

interface ActionsProps {
  readonly comparison: Comparison;
  readonly onAsk: (action: HeldAction) => void;
}

function Actions({ comparison, onAsk }: ActionsProps) {
  const { actions, item } = comparison;
  if (actions.length === 0) {
    const unplaced = item.study_id === null && item.kind === 'conflict';
    return <p className="t2">{unplaced ? words.noStudy : words.noActions}</p>;
  }
  return (
    <div className="held-actions">
      {actions.map((action) => (
        <button key={action} type="button" className="btn" onClick={() => onAsk(action)}>
          {words.actions[action]}
        </button>
      ))}
    </div>
  );
}

export interface HeldDetailProps {
  readonly row: Quarantined;
  readonly onClose: () => void;
}

/** Both sides of what is held, and the decision about it; Escape goes back. */
export function HeldDetail({ row, onClose }: HeldDetailProps) {
  const [asked, setAsked] = useState<HeldAction | null>(null);
  const back = useRef<HTMLButtonElement>(null);
  const query = useQuery({
    queryKey: ['held', row.id],
    queryFn: () => readComparison(row.id),
    gcTime: 0,
  });
  useEffect(() => back.current?.focus(), []);

  function listen(event: KeyboardEvent): void {
    if (event.key === 'Escape') onClose();
  }

  return (
    <>
      <section
        className="held-detail"
        aria-label={words.kinds[row.kind]}
        aria-busy={query.isPending}
        onKeyDown={listen}
      >
        <button ref={back} type="button" className="btn small" onClick={onClose}>
          {words.back}
        </button>
        <h2>{words.kinds[row.kind]}</h2>
        <p className="admin-intro">
          {row.reason} <span className="t3 uid">{row.study_uid}</span>
        </p>
        {query.isPending ? <p className="t3">{text.common.loading(words.name)}</p> : null}
        {query.error ? (
          <Notice
            kind="fail"
            title={text.common.failed(words.name)}
            actions={
              <button
                type="button"
                className="btn small"
                onClick={() => void query.refetch()}
              >
                {text.common.retry}
              </button>
            }
          >
            {wordsOf(query.error)}
          </Notice>
        ) : null}
        {query.data ? (
          <>
            <Actions comparison={query.data} onAsk={setAsked} />
            <Headers sides={query.data.sides} />
            <Files comparison={query.data} />
            <Pictures id={row.id} sides={query.data.sides} />
          </>
        ) : null}
      </section>
      {asked ? (
        <HeldDialog
          action={asked}
          row={row}
          onClose={() => setAsked(null)}
          onDone={onClose}
        />
      ) : null}
    </>
  );
}
