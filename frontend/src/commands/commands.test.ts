import { describe, expect, it } from 'vitest';
import { type Command, findCommand, groupCommands } from './command';
import { READING_COMMANDS } from './reading-commands';
import { WORKLIST_COMMANDS } from './worklist-commands';

function keysOf<Context>(commands: readonly Command<Context>[]): string[] {
  return commands.flatMap((one) => [...one.keys]);
}

describe.each([
  ['worklist', WORKLIST_COMMANDS as readonly Command<never>[]],
  ['reading room', READING_COMMANDS as readonly Command<never>[]],
])('the commands of the %s', (_name, commands) => {
  it('have ids and keys of their own', () => {
    const ids = commands.map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
    const keys = keysOf(commands);
    expect(new Set(keys).size).toBe(keys.length);
  });
  it('have a name, and a drawing where they have a button', () => {
    for (const one of commands) {
      expect(one.name).not.toBe('');
      if (one.toolbar) expect(one.glyph).toBeDefined();
    }
  });
  it('are all in the groups of the help', () => {
    const grouped = groupCommands(commands).flatMap((group) => group.commands);
    expect(grouped).toHaveLength(commands.length);
  });
});

describe('finding a command', () => {
  const command = (id: string, applies: boolean): Command<null> => ({
    id,
    name: id,
    group: 'list',
    keys: ['x'],
    when: () => applies,
    perform: () => undefined,
  });
  it('skips what does not apply', () => {
    const commands = [command('a', false), command('b', true)];
    expect(findCommand(commands, 'x', null)?.id).toBe('b');
    expect(findCommand(commands, 'y', null)).toBeNull();
  });
});
