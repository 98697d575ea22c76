import { chooseLayout } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const layoutTwo: Command<ReadingContext> = {
  id: 'reading.layout-two',
  name: text.commands.layoutTwo,
  group: 'layout',
  keys: [],
  glyph: 'two',
  on: ({ room }) => room.mpr === null && room.layout === '1x2',
  when: () => true,
  perform: () => chooseLayout('1x2'),
};
