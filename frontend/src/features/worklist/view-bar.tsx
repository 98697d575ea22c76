import { useState } from 'react';
import type { BandCount, User } from '@/domain/model';
import { VIEWS, type ViewId } from '@/domain/views';
import { chooseView, showFresh, useWorklist, type WorklistState } from '@/state/worklist';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { Key, Segments } from '@/ui/primitives';
import { OrderingDialog } from './ordering-dialog';

const counts = (bands: WorklistState['page']['bands']): readonly BandCount[] =>
  Object.values(bands);

/** The number beside a tab, where the portal's counters or the open view tell it. */
function countOf(view: ViewId, state: WorklistState): number | null {
  if (view === 'past_deadline') {
    return counts(state.page.bands).reduce((sum, band) => sum + band.past_deadline, 0);
  }
  if (view === 'stat' && state.filters.band.length === 0) {
    return state.page.bands.STAT?.n ?? 0;
  }
  if (view !== state.view) return null;
  return view === 'mine' ? state.shown.length : state.page.total;
}

function Tab({ view }: { view: ViewId }) {
  const here = useWorklist((state) => state.view === view);
  const count = useWorklist((state) => countOf(view, state));
  const alarm = view === 'past_deadline' && (count ?? 0) > 0;
  return (
    <button
      type="button"
      role="tab"
      aria-selected={here}
      className={alarm ? 'alarm' : ''}
      onClick={() => chooseView(view)}
    >
      {alarm ? <Glyph name="alert" small /> : null}
      {text.views[view]}
      {count === null ? null : <b>{count}</b>}
    </button>
  );
}

function HeldPill() {
  const pending = useWorklist((state) => state.pending);
  if (pending === 0) return null;
  return (
    <button
      type="button"
      className="held appear"
      title={text.list.heldTitle}
      onClick={showFresh}
    >
      <Glyph name="lock" small />
      {text.list.held(pending)} <Key>R</Key>
    </button>
  );
}

type Order = 'ai' | 'fifo';

/** How the sites on the screen are ordered; null when they differ. */
function orderOf(flags: readonly boolean[]): Order | null {
  if (flags.every(Boolean)) return 'ai';
  return flags.some(Boolean) ? null : 'fifo';
}

function OrderSwitch({ user, allowed }: { user: User; allowed: boolean }) {
  const ordering = useWorklist((state) => state.page.ai_ordering);
  const chosen = useWorklist((state) => state.filters.site);
  const [asked, setAsked] = useState<Order | null>(null);
  const sites = user.sites.filter(
    (site) => site.id in ordering && (chosen.length === 0 || chosen.includes(site.id)),
  );
  if (sites.length === 0) return null;
  const order = orderOf(sites.map((site) => ordering[site.id] ?? true));
  return (
    <span className="order">
      {text.list.order} {order === null ? `(${text.list.mixed})` : null}
      <Segments<Order>
        label={text.list.order}
        value={order}
        disabled={!allowed}
        title={allowed ? undefined : text.list.orderReadOnly}
        choices={[
          { value: 'ai', label: text.list.byAi },
          { value: 'fifo', label: text.list.fifo },
        ]}
        onChoose={setAsked}
      />
      {asked === null ? null : (
        <OrderingDialog
          enable={asked === 'ai'}
          sites={sites.filter((site) => (ordering[site.id] ?? true) !== (asked === 'ai'))}
          onClose={() => setAsked(null)}
        />
      )}
    </span>
  );
}

export interface ViewBarProps {
  readonly user: User;
  readonly maySwitch: boolean;
  readonly mayTake: boolean;
  readonly onTake: () => void;
}

export function ViewBar({ user, maySwitch, mayTake, onTake }: ViewBarProps) {
  const live = useWorklist((state) => state.live);
  return (
    <div className="views">
      <div role="tablist" aria-label={text.list.views}>
        {VIEWS.map((view) => (
          <Tab key={view.id} view={view.id} />
        ))}
      </div>
      <span className="grow" />
      <HeldPill />
      <OrderSwitch user={user} allowed={maySwitch} />
      {mayTake ? (
        <button
          type="button"
          className="btn primary"
          aria-disabled={!live}
          title={live ? undefined : text.list.leaseOff}
          onClick={onTake}
        >
          {text.list.takeNext} <Key>N</Key>
        </button>
      ) : null}
    </div>
  );
}
