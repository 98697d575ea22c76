import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const showHelp: Command<ListContext> = {
  id: 'worklist.show-help',
  name: text.commands.help,
  group: 'general',
  keys: ['?'],
  hint: text.hints.help,
  when: () => true,
  perform: ({ help }) => help(),
};
