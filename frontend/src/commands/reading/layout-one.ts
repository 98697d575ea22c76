import { chooseLayout } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const layoutOne: Command<ReadingContext> = {
  id: 'reading.layout-one',
  name: text.commands.layoutOne,
  group: 'layout',
  keys: [],
  glyph: 'one',
  on: ({ room }) => room.mpr === null && room.layout === '1x1',
  when: () => true,
  perform: () => chooseLayout('1x1'),
};
