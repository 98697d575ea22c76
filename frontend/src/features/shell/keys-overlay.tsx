import { Modal } from '@mantine/core';
import { useEffect, useMemo, useState } from 'react';
import { type Command, groupCommands } from '@/commands/command';
import { nameStroke, printHotkey } from '@/domain/hotkeys';
import {
  giveKey,
  holderOf,
  isTaken,
  isWholeStroke,
  type Keyed,
  resetKey,
  resetKeys,
  withOwnKeys,
} from '@/domain/own-keys';
import { changeOwnKeys, refreshOwnKeys, useKeyed, useOwnKeys } from '@/state/own-keys';
import { text } from '@/text/en';
import { ownKeys as words } from '@/text/en-keys';
import { Key } from '@/ui/primitives';

/** A command that waits for its new key, and what stands against the last one. */
interface Waiting {
  readonly id: string;
  readonly name: string;
  readonly clash: { readonly stroke: string; readonly holder: string } | null;
  readonly refused: string | null;
}

/** Sends the next whole stroke to `take`, before anything else hears of it. */
function useNextStroke(active: boolean, take: (stroke: string) => void): void {
  useEffect(() => {
    if (!active) return;
    const onKey = (event: KeyboardEvent) => {
      const stroke = nameStroke(event);
      if (!isWholeStroke(stroke)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      take(stroke);
    };
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [active, take]);
}

/** What a waiting command says, to all. */
function WaitingWord({ waiting }: { waiting: Waiting | null }) {
  const unsaved = useOwnKeys((state) => state.unsaved);
  if (waiting === null) {
    if (unsaved) return <p role="alert">{words.unsaved}</p>;
    return <output className="t3">{words.note}</output>;
  }
  const { name, clash, refused } = waiting;
  if (clash) {
    return (
      <p role="alert">{words.clash(printHotkey(clash.stroke), clash.holder, name)}</p>
    );
  }
  if (refused) return <p role="alert">{words.refused(printHotkey(refused))}</p>;
  return <output>{words.press(name)}</output>;
}

interface LineProps {
  readonly command: Keyed & { readonly name: string };
  readonly waiting: boolean;
  readonly onAsk: () => void;
  readonly onReset: () => void;
}

/** A command, its keys as a button that changes the first one, and the way back. */
function Line({ command, waiting, onAsk, onReset }: LineProps) {
  const changed = useOwnKeys((state) => command.id in state.own);
  const { name, keys } = command;
  return (
    <li data-command={command.id} className={changed ? 'changed' : ''}>
      {name}
      <span>
        {changed ? (
          <button
            type="button"
            className="link"
            aria-label={words.resetOne(name)}
            onClick={onReset}
          >
            {words.reset}
          </button>
        ) : null}
        <button
          type="button"
          className={waiting ? 'own-key waiting' : 'own-key'}
          aria-label={words.change(name, keys.map(printHotkey).join(', '))}
          aria-pressed={waiting}
          onClick={onAsk}
        >
          {waiting
            ? words.waiting
            : keys.map((key) => <Key key={key}>{printHotkey(key)}</Key>)}
          {!waiting && keys.length === 0 ? words.none : null}
        </button>
      </span>
    </li>
  );
}

function useChanging<Context>(ours: readonly Command<Context>[]) {
  const own = useOwnKeys((state) => state.own);
  const [waiting, setWaiting] = useState<Waiting | null>(null);
  const take = (stroke: string) => {
    if (waiting === null || stroke === 'Escape') return setWaiting(null);
    if (isTaken(stroke)) return setWaiting({ ...waiting, clash: null, refused: stroke });
    const holder = holderOf(withOwnKeys(ours, own), waiting.id, stroke);
    if (holder && waiting.clash?.stroke !== stroke) {
      const clash = { stroke, holder: holder.name };
      return setWaiting({ ...waiting, clash, refused: null });
    }
    changeOwnKeys(giveKey(ours, own, waiting.id, stroke));
    setWaiting(null);
  };
  useNextStroke(waiting !== null, take);
  const ask = ({ id, name }: Command<Context>) =>
    setWaiting({ id, name, clash: null, refused: null });
  const reset = (id: string) => changeOwnKeys(resetKey(ours, own, id));
  const changed = ours.some((one) => one.id in own);
  const resetAll = () => changeOwnKeys(resetKeys(ours, own));
  return { waiting, ask, reset, changed, resetAll, stop: () => setWaiting(null) };
}

export interface KeysOverlayProps<Context> {
  readonly commands: readonly Command<Context>[];
  readonly opened: boolean;
  readonly onClose: () => void;
}

interface ListProps<Context> {
  readonly commands: readonly Command<Context>[];
  readonly changing: ReturnType<typeof useChanging<Context>>;
}

/** Made when the keys are looked at: a screen has a hundred of them. */
function KeysList<Context>({ commands, changing }: ListProps<Context>) {
  useEffect(() => void refreshOwnKeys(), []);
  const keyed = useKeyed(commands);
  const { waiting } = changing;
  return (
    <>
      <div className="keys-word">
        <WaitingWord waiting={waiting} />
        <span className="grow" />
        {changing.changed ? (
          <button type="button" className="btn small" onClick={changing.resetAll}>
            {words.resetAll}
          </button>
        ) : null}
      </div>
      <div className="keys-grid">
        {groupCommands(keyed).map((group) => (
          <section key={group.group}>
            <h3>{group.name}</h3>
            <ul>
              {group.commands.map((command) => (
                <Line
                  key={command.id}
                  command={command}
                  waiting={waiting?.id === command.id}
                  onAsk={() => changing.ask(command)}
                  onReset={() => changing.reset(command.id)}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      <p className="t3">{text.keys.note}</p>
    </>
  );
}

/** Every key of the screen, from the same list that makes them act; each can be changed. */
export function KeysOverlay<Context>(props: KeysOverlayProps<Context>) {
  const changing = useChanging(props.commands);
  return (
    <Modal
      opened={props.opened}
      onClose={() => {
        changing.stop();
        props.onClose();
      }}
      closeOnEscape={changing.waiting === null}
      title={text.keys.title}
      size={1000}
    >
      <KeysList commands={props.commands} changing={changing} />
    </Modal>
  );
}

/** Keys by the words that the bottom line prints for them. */
function hintsOf<Context>(commands: readonly Command<Context>[], context: Context) {
  const hints = new Map<string, string[]>();
  for (const { hint, keys, when } of commands) {
    if (hint === undefined || !keys[0] || !when(context)) continue;
    const same = hints.get(hint);
    if (same) same.push(keys[0]);
    else hints.set(hint, [keys[0]]);
  }
  return [...hints];
}

export interface KeyHintsProps<Context> {
  readonly commands: readonly Command<Context>[];
  readonly context: Context;
}

/** The keys of the bottom line, from the same list that makes them act. */
export function KeyHints<Context>({ commands, context }: KeyHintsProps<Context>) {
  const hinted = useMemo(() => commands.filter(({ hint }) => hint), [commands]);
  return hintsOf(hinted, context).map(([words, keys]) => (
    <span className="hint" key={words}>
      {keys.map((key) => (
        <Key key={key}>{printHotkey(key)}</Key>
      ))}
      {words}
    </span>
  ));
}
