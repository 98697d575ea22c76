import { countOf, type Direction, neighbourOf } from '@/domain/layout';
import { setRoom } from '@/state/room';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const KEYS: Readonly<Record<Direction, string>> = {
  left: 'Shift+ArrowLeft',
  right: 'Shift+ArrowRight',
  up: 'Shift+ArrowUp',
  down: 'Shift+ArrowDown',
};

/** One command a direction, through the grid of viewports. */
export const movePaneCommands: readonly Command<ReadingContext>[] = (
  ['left', 'right', 'up', 'down'] as const
).map((direction) => ({
  id: `reading.pane-${direction}`,
  name: display.paneTo[direction],
  group: 'layout',
  keys: [KEYS[direction]],
  when: ({ room }) => room.mpr === null && countOf(room.layout) > 1,
  perform: ({ room }) => {
    const activePane = neighbourOf(room.layout, room.activePane, direction);
    setRoom({ activePane, maximised: room.maximised === null ? null : activePane });
  },
}));
