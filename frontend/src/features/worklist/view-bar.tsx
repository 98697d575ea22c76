import { useState } from 'react';
import { showFresh as showFreshCommand } from '@/commands/worklist/show-fresh';
import { takeNext } from '@/commands/worklist/take-next';
import type { BandCount, User } from '@/domain/model';
import { TO_VERIFY, type View } from '@/domain/views';
import { CommandKey } from '@/features/shell/command-key';
import { chooseView, useListViews } from '@/state/list-views';
import { type Can, useCan } from '@/state/session';
import { chooseSort, showFresh, useWorklist, type WorklistState } from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { Segments } from '@/ui/primitives';
import { OrderingDialog } from './ordering-dialog';

const counts = (bands: WorklistState['page']['bands']): readonly BandCount[] =>
  Object.values(bands);

/** The number beside a tab, where the portal's counters or the open view tell it. */
function countOf(view: string, state: WorklistState): number | null {
  if (view === 'past_deadline') {
    return counts(state.page.bands).reduce((sum, band) => sum + band.past_deadline, 0);
  }
  if (view === 'stat') return state.page.bands.STAT?.n ?? 0;
  if (view === TO_VERIFY) return state.page.to_verify;
  return view === state.view ? state.page.total : null;
}

function nameOf(view: View, can: Can): string {
  if (view.saved) return view.saved.name;
  // Who verifies nothing has there what was sent back to them.
  if (view.id === TO_VERIFY && !can('reading:verify')) return worklist.sentBack;
  return worklist.views[view.id as keyof typeof worklist.views];
}

function Tab({ view }: { view: View }) {
  const here = useWorklist((state) => state.view === view.id);
  const count = useWorklist((state) => countOf(view.id, state));
  const alarm = view.id === 'past_deadline' && (count ?? 0) > 0;
  const can = useCan();
  const name = nameOf(view, can);
  const site = view.saved?.site?.name;
  return (
    <button
      type="button"
      role="tab"
      aria-selected={here}
      className={alarm ? 'alarm' : ''}
      title={site ? worklist.ofSite(site) : undefined}
      onClick={() => chooseView(view)}
    >
      {alarm ? <Glyph name="alert" small /> : null}
      <span className="cut">{name}</span>
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
      {text.list.held(pending)} <CommandKey command={showFreshCommand} />
    </button>
  );
}

/** That the list is not in the order of rank, and the way back. */
function SortPill() {
  const sort = useWorklist((state) => state.sort);
  if (sort === null) return null;
  return (
    <button
      type="button"
      className="held sorted appear"
      title={worklist.sortedTitle}
      aria-label={`${worklist.sorted(worklist.sorts[sort.by])}. ${worklist.byRank}`}
      onClick={() => chooseSort(null)}
    >
      {worklist.sorted(worklist.sorts[sort.by])} <Glyph name="cross" small />
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
  readonly onViews: () => void;
}

export function ViewBar({ user, maySwitch, mayTake, onTake, onViews }: ViewBarProps) {
  const live = useWorklist((state) => state.live);
  const can = useCan();
  const views = useListViews((state) => state.views).filter(
    (view) => view.id !== TO_VERIFY || can('reading:sign'),
  );
  return (
    <div className="views">
      <div role="tablist" aria-label={text.list.views}>
        {views.map((view) => (
          <Tab key={view.id} view={view} />
        ))}
      </div>
      <button type="button" className="add-view" onClick={onViews}>
        <Glyph name="plus" small />
        {worklist.saveView}
      </button>
      <span className="grow" />
      <SortPill />
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
          {text.list.takeNext} <CommandKey command={takeNext} />
        </button>
      ) : null}
    </div>
  );
}
