import { setRoom } from '@/state/room';
import { verifying } from '@/text/en-verify';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const sendBack: Command<ReadingContext> = {
  id: 'reading.send-back',
  name: verifying.commands.sendBack,
  group: 'reading',
  keys: ['Alt+b'],
  when: ({ room }) => room.phase === 'looking' && room.mayVerify,
  perform: () => setRoom({ ask: { kind: 'send_back' } }),
};
