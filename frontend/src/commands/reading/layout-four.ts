import { chooseLayout } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const layoutFour: Command<ReadingContext> = {
  id: 'reading.layout-four',
  name: text.commands.layoutFour,
  group: 'layout',
  keys: [],
  glyph: 'four',
  on: ({ room }) => room.mpr === null && room.layout === '2x2',
  when: () => true,
  perform: () => chooseLayout('2x2'),
};
