import { setRoom } from '@/state/room';
import { verifying } from '@/text/en-verify';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const amendAndVerify: Command<ReadingContext> = {
  id: 'reading.amend-and-verify',
  name: verifying.commands.amend,
  group: 'reading',
  keys: ['Alt+a'],
  when: ({ room }) => room.phase === 'looking' && room.mayAmend,
  perform: () => setRoom({ ask: { kind: 'amend' } }),
};
