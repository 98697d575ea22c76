import { verifying } from '@/text/en-verify';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const verify: Command<ReadingContext> = {
  id: 'reading.verify',
  name: verifying.commands.verify,
  group: 'reading',
  keys: ['Alt+v'],
  when: ({ room }) => room.phase === 'looking' && room.mayVerify,
  perform: (context) => context.verify(),
};
