import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const changeBand: Command<ReadingContext> = {
  id: 'reading.change-band',
  name: text.commands.changeBand,
  group: 'reading',
  keys: ['b'],
  when: ({ room, can }) => room.phase === 'open' && can('item:band'),
  perform: () => setRoom({ ask: { kind: 'band' } }),
};
