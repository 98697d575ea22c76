import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolCross: Command<ReadingContext> = {
  id: 'reading.tool-cross',
  name: text.commands.toolCross,
  group: 'navigate',
  keys: ['c'],
  glyph: 'cross3',
  toolbar: true,
  on: ({ room }) => room.tool === 'cross',
  when: ({ room }) => room.mpr !== null,
  whyNot: ({ room }) => (room.mpr === null ? text.mpr.crossOnly : null),
  perform: () => setRoom({ tool: 'cross' }),
};
