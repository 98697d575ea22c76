import { countOf } from '@/domain/layout';
import { toggleMaximised } from '@/state/room';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const enlarge: Command<ReadingContext> = {
  id: 'reading.enlarge',
  name: display.enlarge,
  group: 'layout',
  keys: ['Shift+e'],
  on: ({ room }) => room.maximised !== null,
  when: ({ room }) => room.mpr === null && countOf(room.layout) > 1,
  perform: () => toggleMaximised(),
};
