import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const focusSearch: Command<ListContext> = {
  id: 'worklist.focus-search',
  name: text.commands.search,
  group: 'list',
  keys: ['/'],
  hint: text.hints.search,
  when: () => true,
  perform: ({ focusSearch: focus }) => focus(),
};
