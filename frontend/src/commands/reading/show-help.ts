import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const showHelp: Command<ReadingContext> = {
  id: 'reading.show-help',
  name: text.commands.help,
  group: 'general',
  keys: ['?'],
  hint: text.hints.help,
  when: () => true,
  perform: ({ help }) => help(),
};
