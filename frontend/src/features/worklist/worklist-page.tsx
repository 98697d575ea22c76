import { goToTopCommand } from '@/commands/worklist/go-to-top';
import { CommandKey } from '@/features/shell/command-key';
import { useKeyed } from '@/state/own-keys';
import './worklist.css';
import './list-more.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { ApiError } from '@/api/client';
import { takeNext } from '@/api/endpoints';
import { findCommand } from '@/commands/command';
import type { ListContext } from '@/commands/worklist/context';
import { WORKLIST_COMMANDS } from '@/commands/worklist-commands';
import type { Id, User } from '@/domain/model';
import { TO_VERIFY } from '@/domain/views';
import { BandDialog } from '@/features/band/band-dialog';
import { KeyHints, KeysOverlay } from '@/features/shell/keys-overlay';
import { toggleChosen, useChoosing } from '@/state/choosing';
import { chooseBuiltIn, loadViews } from '@/state/list-views';
import { useStill } from '@/state/press';
import { handOver } from '@/state/reading-session';
import { useCan, useUser } from '@/state/session';
import {
  goToTop,
  hold,
  isWhole,
  keepFresh,
  lengthOf,
  loadList,
  releaseHold,
  rowOf,
  select,
  takeRow,
  useWorklist,
} from '@/state/worklist';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import { Glyph } from '@/ui/glyph';
import { useHotkeys } from '@/ui/use-hotkeys';
import { AssignDialog, useListReaders } from './assign-dialog';
import { ChoosingBar } from './choosing-bar';
import { ColumnsDialog } from './columns-dialog';
import { FilterBar } from './filter-bar';
import { ListNotices } from './list-notices';
import { ListTable } from './list-table';
import { ViewBar } from './view-bar';
import { ViewsDialog } from './views-dialog';
import { WhyPopover } from './why-popover';

const KEYBOARD_HOLD_MS = 3000;

/** What lies over the list. */
type Over =
  | { readonly kind: 'why' | 'band'; readonly id: Id }
  | { readonly kind: 'keys' | 'columns' | 'views' | 'assign' };

/** After J or K the order rests a moment, so that Enter opens what was read. */
function useKeyboardHold(): void {
  const selected = useWorklist((state) => state.selected);
  useEffect(() => {
    if (selected === null) return;
    hold('keyboard');
    const timer = setTimeout(() => releaseHold('keyboard'), KEYBOARD_HOLD_MS);
    return () => clearTimeout(timer);
  }, [selected]);
}

function refusalOf(error: unknown): string {
  const told = error instanceof ApiError ? error.message : '';
  return told || text.list.openFailed;
}

function useTakeNext(onProblem: (problem: string) => void) {
  const [, navigate] = useLocation();
  return async () => {
    const site = useWorklist.getState().filters.site;
    try {
      const answer = await takeNext(site.length === 1 ? (site[0] ?? null) : null);
      if (!answer) return onProblem(text.list.nothingFree);
      handOver(answer);
      navigate(`/read/${answer.item.id}`);
    } catch (error) {
      onProblem(refusalOf(error));
    }
  };
}

function rankOf(id: Id): string {
  const state = useWorklist.getState();
  const place = state.offset + state.shown.indexOf(id);
  return isWhole(state) ? String(place + 1) : String(rowOf(id)?.rank ?? '–');
}

/** That studies came above what is seen; the list itself stays where it is. */
function NewAbove() {
  const n = useStill(useWorklist((state) => state.newAbove.size));
  return (
    <output className="new-above-holder">
      {n > 0 ? (
        <button
          type="button"
          className="new-above appear"
          title={worklist.newAboveTitle}
          onClick={() => void goToTop()}
        >
          <Glyph name="up" small />
          {worklist.newAbove(n)} <CommandKey command={goToTopCommand} />
        </button>
      ) : null}
    </output>
  );
}

function Footer({ context }: { context: ListContext }) {
  const first = useWorklist((state) => state.firstSeen + 1);
  const last = useWorklist((state) =>
    Math.min(lengthOf(state), state.firstSeen + context.pageRows),
  );
  const length = useWorklist(lengthOf);
  return (
    <footer className="hints">
      <KeyHints commands={useKeyed(WORKLIST_COMMANDS)} context={context} />
      <span className="grow" />
      <span className="t3 cut">{text.list.disclaimer}</span>
      {length > 0 ? (
        <span className="t2">{text.list.range(first, last, String(length))}</span>
      ) : null}
    </footer>
  );
}

/** Shows the preliminary readings that wait, or one's queue again. */
function toggleToVerify(): void {
  const { view } = useWorklist.getState();
  chooseBuiltIn(view === TO_VERIFY ? 'queue' : TO_VERIFY);
}

/** Opens the assigning with the chosen rows, or with the selected one. */
function chosenOrSelected(): boolean {
  const { selected } = useWorklist.getState();
  if (useChoosing.getState().chosen.size === 0 && selected) toggleChosen(selected);
  return useChoosing.getState().chosen.size > 0;
}

function Page({ user }: { user: User }) {
  const can = useCan();
  const [, navigate] = useLocation();
  const [over, setOver] = useState<Over | null>(null);
  const [problem, setProblem] = useState('');
  const search = useRef<HTMLInputElement>(null);
  const selected = useWorklist((state) => state.selected);
  const pending = useWorklist((state) => state.pending);
  const live = useWorklist((state) => state.live);
  const take = useTakeNext(setProblem);
  const commands = useKeyed(WORKLIST_COMMANDS);
  const mayRead = can('item:lease');

  const mayAssign = can('item:assign');
  useListReaders(mayAssign);
  const chosen = useChoosing((state) => state.chosen.size);
  const canUndo = useChoosing((state) => (state.done?.batches.length ?? 0) > 0);
  const isSorted = useWorklist((state) => state.sort !== null);
  const pageRows = useRef(20);

  useEffect(() => {
    void loadList();
    void loadViews();
    return keepFresh();
  }, []);
  useKeyboardHold();
  useEffect(() => {
    if (over === null) return;
    hold('dialog');
    return () => releaseHold('dialog');
  }, [over]);

  const context = useMemo<ListContext>(
    () => ({
      row: selected === null ? null : rowOf(selected),
      pending,
      canOpen: live && mayRead,
      can,
      chosen,
      canUndo,
      isSorted,
      pageRows: pageRows.current,
      askColumns: () => setOver({ kind: 'columns' }),
      askViews: () => setOver({ kind: 'views' }),
      askAssign: () => {
        if (chosenOrSelected()) setOver({ kind: 'assign' });
      },
      open: (id) => {
        if (live && mayRead) navigate(`/read/${id}`);
        else if (!live) setProblem(text.list.leaseOff);
      },
      takeNext: () => void take(),
      toggleToVerify,
      explain: (id) => setOver(id === null ? null : { kind: 'why', id }),
      askBand: (id) => setOver({ kind: 'band', id }),
      focusSearch: () => search.current?.focus(),
      help: () => setOver({ kind: 'keys' }),
    }),
    [selected, pending, live, mayRead, can, navigate, take, chosen, canUndo, isSorted],
  );

  useHotkeys((stroke) => {
    if (over !== null && over.kind !== 'why') return false;
    const command = findCommand(commands, stroke, context);
    command?.perform(context);
    return command !== null;
  });

  const row = over && 'id' in over ? rowOf(over.id) : null;
  return (
    <div className="listing">
      <h1 className="visually-hidden">{text.list.title}</h1>
      <ViewBar
        user={user}
        maySwitch={can('ai:switch')}
        mayTake={mayRead}
        onTake={() => {
          if (live) void take();
        }}
        onViews={context.askViews}
      />
      <FilterBar user={user} search={search} onColumns={context.askColumns} />
      <ListNotices
        user={user}
        problem={problem}
        onDismiss={() => setProblem('')}
        onShow={select}
      />
      <NewAbove />
      <ListTable
        choosing={mayAssign}
        pageRows={pageRows}
        onOpen={context.open}
        onWhy={context.explain}
      />
      {mayAssign ? <ChoosingBar onAssign={context.askAssign} /> : null}
      <Footer context={context} />
      {over?.kind === 'why' && row ? (
        <WhyPopover
          key={row.id}
          row={row}
          rank={rankOf(row.id)}
          mayChangeBand={can('item:band')}
          onClose={() => setOver(null)}
          onChangeBand={() => setOver({ kind: 'band', id: row.id })}
        />
      ) : null}
      {over?.kind === 'band' && row ? (
        <BandDialog row={row} onClose={() => setOver(null)} onChanged={takeRow} />
      ) : null}
      {over?.kind === 'columns' ? <ColumnsDialog onClose={() => setOver(null)} /> : null}
      {over?.kind === 'views' ? (
        <ViewsDialog user={user} onClose={() => setOver(null)} />
      ) : null}
      {over?.kind === 'assign' ? <AssignDialog onClose={() => setOver(null)} /> : null}
      <KeysOverlay
        commands={WORKLIST_COMMANDS}
        opened={over?.kind === 'keys'}
        onClose={() => setOver(null)}
      />
    </div>
  );
}

export function WorklistPage() {
  const user = useUser();
  return user ? <Page user={user} /> : null;
}
