import { useEffect, useState } from 'react';
import { type Filters, isNarrowed, NO_FILTERS } from '@/domain/filters';
import type { Id, User } from '@/domain/model';
import { TO_VERIFY, VIEWS } from '@/domain/views';
import { DoneMessage } from '@/features/shell/done-message';
import { takeMessage } from '@/state/message';
import { useStill } from '@/state/press';
import {
  chooseFilters,
  clearFilters,
  dismissAnnouncement,
  loadList,
  showFresh,
  useWorklist,
} from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Notice } from '@/ui/primitives';
import { DoneNotice } from './choosing-bar';

const ANNOUNCE_MS = 60_000;

/** A STAT that a clinician ordered: said at once, also to screen readers. */
function NewStat({ onShow }: { onShow: (id: Id) => void }) {
  const announced = useStill(useWorklist((state) => state.announced));
  useEffect(() => {
    if (!announced) return;
    const timer = setTimeout(dismissAnnouncement, ANNOUNCE_MS);
    return () => clearTimeout(timer);
  }, [announced]);
  return (
    <div aria-live="assertive">
      {announced ? (
        <Notice
          kind="warn"
          title={
            <>
              {text.list.newStat(
                announced.row.patient.name,
                announced.row.study.description || announced.row.study.modality,
              )}
              <span className="inline-acts">
                <button
                  type="button"
                  className="btn small"
                  onClick={() => {
                    showFresh();
                    onShow(announced.row.id);
                    dismissAnnouncement();
                  }}
                >
                  {text.list.show}
                </button>
                <button
                  type="button"
                  className="btn small quiet"
                  onClick={dismissAnnouncement}
                >
                  {text.list.dismiss}
                </button>
              </span>
            </>
          }
        />
      ) : null}
    </div>
  );
}

function Failure() {
  const failure = useStill(
    useWorklist((state) => (state.status === 'failed' ? state.failure : null)),
  );
  if (failure === null) return null;
  return (
    <Notice
      kind="fail"
      title={text.list.failed}
      actions={
        <button type="button" className="btn small" onClick={() => void loadList()}>
          {text.common.retry}
        </button>
      }
    >
      {failure === 'offline' ? text.common.offline : failure} {text.list.failedSafe}
    </Notice>
  );
}

/** After a second without the list, what is awaited. */
function Awaiting() {
  const loading = useWorklist((state) => state.status === 'loading');
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!loading) return;
    const timer = setTimeout(() => setLong(true), 1000);
    return () => clearTimeout(timer);
  }, [loading]);
  return useStill(loading && long) ? (
    <output className="t2">{text.list.awaiting}</output>
  ) : null;
}

function filterWords(filters: Filters): string {
  const names = text.list.filters;
  const parts = (['modality', 'band', 'body_part'] as const)
    .filter((field) => filters[field].length > 0)
    .map((field) => `${names[field]} ${filters[field].join(', ')}`);
  if (filters.ai.length > 0) {
    parts.push(`${names.ai} ${filters.ai.map((one) => text.aiStates[one]).join(', ')}`);
  }
  if (filters.assignee === 'nobody') {
    parts.push(`${worklist.assignee} ${worklist.assignees.nobody}`);
  }
  if (filters.q.trim() !== '') parts.push(`“${filters.q.trim()}”`);
  return parts.join(', ');
}

/** What the emptiness of a view means, where its filters are its own. */
function emptyWords(view: string, filters: Filters): readonly [string, string] {
  const plain = VIEWS.find((one) => one.id === view);
  const own = plain && sameFilters({ ...NO_FILTERS, ...plain.filters }, filters);
  const { empty } = worklist;
  if (own && view === 'mine') return [empty.mine, empty.mineDetail];
  if (own && view === TO_VERIFY) return [empty.to_verify, empty.to_verify_detail];
  if (own && (view === 'stat' || view === 'past_deadline' || view === 'ai_missing')) {
    return [empty[view], text.list.emptyDetail];
  }
  const words = filterWords(filters);
  return [
    words ? text.list.emptyFiltered(words) : text.list.empty,
    text.list.emptyDetail,
  ];
}

function sameFilters(a: Filters, b: Filters): boolean {
  return JSON.stringify({ ...a, site: [] }) === JSON.stringify({ ...b, site: [] });
}

/** Why the list is empty, and the way on. */
function Empty({ user }: { user: User }) {
  const isEmpty = useStill(
    useWorklist((state) => state.status === 'ready' && state.shown.length === 0),
  );
  const filters = useWorklist((state) => state.filters);
  const view = useWorklist((state) => state.view);
  if (!isEmpty) return null;
  const narrowed = isNarrowed(filters);
  const [site] = user.sites.filter((one) => filters.site.includes(one.id));
  const [title, detail] = emptyWords(view, filters);
  return (
    <Notice
      title={!narrowed && site ? worklist.emptyAt(site.name) : title}
      actions={
        <>
          {narrowed ? (
            <button type="button" className="btn small" onClick={clearFilters}>
              {text.list.clearAll}
            </button>
          ) : null}
          {site ? (
            <button
              type="button"
              className="btn small"
              onClick={() => chooseFilters({ site: [] })}
            >
              {worklist.allSites}
            </button>
          ) : null}
        </>
      }
    >
      {detail}
    </Notice>
  );
}

export interface ListNoticesProps {
  readonly user: User;
  readonly problem: string;
  readonly onDismiss: () => void;
  readonly onShow: (id: Id) => void;
}

/**
 * What the list has to say, in place above its rows. What comes of itself waits while
 * a hand is on the list: it would push the rows down under the pointer.
 */
export function ListNotices({ user, problem, onDismiss, onShow }: ListNoticesProps) {
  const [message, setMessage] = useState(takeMessage);
  return (
    <div className="list-notices">
      <NewStat onShow={onShow} />
      <Failure />
      <Awaiting />
      <Empty user={user} />
      <DoneNotice />
      <DoneMessage message={message} onClose={() => setMessage(null)} />
      {problem === '' ? null : (
        <Notice
          kind="warn"
          title={problem}
          assertive
          actions={
            <button type="button" className="btn small" onClick={onDismiss}>
              {text.common.close}
            </button>
          }
        />
      )}
    </div>
  );
}
