import { retrySave as retrySaveNow } from '@/state/reading-session';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const retrySave: Command<ReadingContext> = {
  id: 'reading.retry-save',
  name: text.commands.retrySave,
  group: 'reading',
  keys: ['r'],
  when: ({ room }) => room.save.kind === 'unsaved',
  perform: () => retrySaveNow(),
};
