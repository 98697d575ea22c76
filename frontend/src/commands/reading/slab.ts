import { cycleSlab, useMpr } from '@/imaging/mpr-store';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const slab: Command<ReadingContext> = {
  id: 'reading.slab',
  name: display.slab.command,
  group: 'layout',
  keys: ['Alt+s'],
  on: () => useMpr.getState().slab.mode !== 'none',
  when: ({ room }) => room.mpr !== null,
  perform: cycleSlab,
};
