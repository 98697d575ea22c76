import { setRoom } from '@/state/room';
import { discussion } from '@/text/en-discussion';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const discuss: Command<ReadingContext> = {
  id: 'reading.discuss',
  name: discussion.command,
  group: 'reading',
  keys: ['Shift+w'],
  when: ({ room, can }) => room.item !== null && can('worklist:read'),
  perform: () => setRoom({ ask: { kind: 'discussion' } }),
};
