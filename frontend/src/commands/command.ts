import { text } from '@/text/en';
import type { GlyphName } from '@/ui/glyph';

export type Group = keyof typeof text.room.groups;

/**
 * One thing that a person can do. The help overlay, the toolbar and the printed key
 * hints are made from lists of these, so they cannot disagree.
 */
export interface Command<Context> {
  readonly id: string;
  readonly name: string;
  readonly group: Group;
  /** All strokes that start it; the first one is printed. */
  readonly keys: readonly string[];
  readonly glyph?: GlyphName;
  /** Has a button in the toolbar. */
  readonly toolbar?: boolean;
  /** What its key does, at the bottom of the screen; the same words share their keys. */
  readonly hint?: string;
  readonly when: (context: Context) => boolean;
  /** In words, why it cannot be done now, where that is not plain to see. */
  readonly whyNot?: (context: Context) => string | null;
  readonly on?: (context: Context) => boolean;
  readonly perform: (context: Context) => void;
}

/** The first command whose key this is and that applies now. */
export function findCommand<Context>(
  commands: readonly Command<Context>[],
  stroke: string,
  context: Context,
): Command<Context> | null {
  return commands.find((one) => one.keys.includes(stroke) && one.when(context)) ?? null;
}

export interface CommandGroup<Context> {
  readonly group: Group;
  readonly name: string;
  readonly commands: readonly Command<Context>[];
}

/** Commands in the order of the list, by group. */
export function groupCommands<Context>(
  commands: readonly Command<Context>[],
): readonly CommandGroup<Context>[] {
  const groups = new Map<Group, Command<Context>[]>();
  for (const command of commands) {
    groups.set(command.group, [...(groups.get(command.group) ?? []), command]);
  }
  return [...groups].map(([group, members]) => ({
    group,
    name: text.room.groups[group],
    commands: members,
  }));
}
