import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toggleOwn: Command<ReadingContext> = {
  id: 'reading.toggle-own',
  name: text.commands.own,
  group: 'edit',
  keys: ['o'],
  glyph: 'eye',
  toolbar: true,
  on: ({ room }) => room.own,
  when: () => true,
  perform: ({ room }) => setRoom({ own: !room.own }),
};
