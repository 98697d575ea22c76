import { extendChosen } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const extendUp: Command<ListContext> = {
  id: 'worklist.extend-up',
  name: worklist.commands.extendUp,
  group: 'list',
  keys: ['Shift+k', 'Shift+ArrowUp'],
  when: ({ can }) => can('item:assign'),
  perform: () => extendChosen(-1),
};
