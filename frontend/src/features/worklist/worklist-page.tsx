import './worklist.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { ApiError } from '@/api/client';
import { takeNext } from '@/api/endpoints';
import { findCommand } from '@/commands/command';
import type { ListContext } from '@/commands/worklist/context';
import { WORKLIST_COMMANDS } from '@/commands/worklist-commands';
import type { Id, User } from '@/domain/model';
import { BandDialog } from '@/features/band/band-dialog';
import { KeyHints, KeysOverlay } from '@/features/shell/keys-overlay';
import { handOver } from '@/state/reading-session';
import { useCan, useUser } from '@/state/session';
import {
  hold,
  isWhole,
  loadList,
  releaseHold,
  rowOf,
  select,
  takeRow,
  useWorklist,
} from '@/state/worklist';
import { text } from '@/text/en';
import { useHotkeys } from '@/ui/use-hotkeys';
import { FilterBar } from './filter-bar';
import { ListNotices } from './list-notices';
import { ListTable } from './list-table';
import { ViewBar } from './view-bar';
import { WhyPopover } from './why-popover';

const KEYBOARD_HOLD_MS = 3000;

/** What lies over the list. */
type Over =
  | { readonly kind: 'why' | 'band'; readonly id: Id }
  | { readonly kind: 'keys' };

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
  const place = state.shown.indexOf(id);
  return isWhole(state) ? String(place + 1) : String(rowOf(id)?.rank ?? '–');
}

function Footer({ context }: { context: ListContext }) {
  const shown = useWorklist((state) => state.shown.length);
  const total = useWorklist((state) => state.page.total);
  const more = useWorklist((state) => state.cursor !== null);
  return (
    <footer className="hints">
      <KeyHints commands={WORKLIST_COMMANDS} context={context} />
      <span className="grow" />
      <span className="t3 cut">{text.list.disclaimer}</span>
      {shown > 0 ? (
        <span className="t2">
          {text.list.range(1, shown, String(more ? total : shown))}
        </span>
      ) : null}
    </footer>
  );
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
  const mayRead = can('item:lease');

  useEffect(() => void loadList(), []);
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
      open: (id) => {
        if (live && mayRead) navigate(`/read/${id}`);
        else if (!live) setProblem(text.list.leaseOff);
      },
      takeNext: () => void take(),
      explain: (id) => setOver(id === null ? null : { kind: 'why', id }),
      askBand: (id) => setOver({ kind: 'band', id }),
      focusSearch: () => search.current?.focus(),
      help: () => setOver({ kind: 'keys' }),
    }),
    [selected, pending, live, mayRead, can, navigate, take],
  );

  useHotkeys((stroke) => {
    if (over !== null && over.kind !== 'why') return false;
    const command = findCommand(WORKLIST_COMMANDS, stroke, context);
    command?.perform(context);
    return command !== null;
  });

  const row = over && 'id' in over ? rowOf(over.id) : null;
  return (
    <>
      <h1 className="visually-hidden">{text.list.title}</h1>
      <ViewBar
        user={user}
        maySwitch={can('ai:switch')}
        mayTake={mayRead}
        onTake={() => {
          if (live) void take();
        }}
      />
      <FilterBar user={user} search={search} />
      <ListNotices problem={problem} onDismiss={() => setProblem('')} onShow={select} />
      <ListTable onOpen={context.open} onWhy={context.explain} />
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
      <KeysOverlay
        commands={WORKLIST_COMMANDS}
        opened={over?.kind === 'keys'}
        onClose={() => setOver(null)}
      />
    </>
  );
}

export function WorklistPage() {
  const user = useUser();
  return user ? <Page user={user} /> : null;
}
