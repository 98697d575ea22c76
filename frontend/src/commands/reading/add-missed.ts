import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const addMissed: Command<ReadingContext> = {
  id: 'reading.add-missed',
  name: text.commands.addMissed,
  group: 'answer',
  keys: ['x'],
  hint: text.hints.missed,
  when: ({ writable, hasImage }) => writable && hasImage,
  perform: () => setRoom({ drawing: { kind: 'missed' } }),
};
