import { Modal } from '@mantine/core';
import { type Command, groupCommands } from '@/commands/command';
import { printHotkey } from '@/domain/hotkeys';
import { text } from '@/text/en';
import { Key } from '@/ui/primitives';

export interface KeysOverlayProps<Context> {
  readonly commands: readonly Command<Context>[];
  readonly opened: boolean;
  readonly onClose: () => void;
}

/** Every key of the screen, from the same list that makes them act. */
export function KeysOverlay<Context>(props: KeysOverlayProps<Context>) {
  const keyed = props.commands.filter((one) => one.keys.length > 0);
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={text.keys.title}
      size="lg"
    >
      <div className="keys-grid">
        {groupCommands(keyed).map((group) => (
          <section key={group.group}>
            <h3>{group.name}</h3>
            <ul>
              {group.commands.map((command) => (
                <li key={command.id}>
                  {command.name}
                  <span>
                    {command.keys.map((key) => (
                      <Key key={key}>{printHotkey(key)}</Key>
                    ))}
                  </span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
      <p className="t3">{text.keys.note}</p>
    </Modal>
  );
}

/** Keys by the words that the bottom line prints for them. */
function hintsOf<Context>(commands: readonly Command<Context>[], context: Context) {
  const hints = new Map<string, string[]>();
  for (const { hint, keys, when } of commands) {
    if (hint === undefined || !keys[0] || !when(context)) continue;
    hints.set(hint, [...(hints.get(hint) ?? []), keys[0]]);
  }
  return [...hints];
}

export interface KeyHintsProps<Context> {
  readonly commands: readonly Command<Context>[];
  readonly context: Context;
}

/** The keys of the bottom line, from the same list that makes them act. */
export function KeyHints<Context>({ commands, context }: KeyHintsProps<Context>) {
  return hintsOf(commands, context).map(([words, keys]) => (
    <span className="hint" key={words}>
      {keys.map((key) => (
        <Key key={key}>{printHotkey(key)}</Key>
      ))}
      {words}
    </span>
  ));
}
