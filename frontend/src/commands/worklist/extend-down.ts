import { extendChosen } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const extendDown: Command<ListContext> = {
  id: 'worklist.extend-down',
  name: worklist.commands.extendDown,
  group: 'list',
  keys: ['Shift+j', 'Shift+ArrowDown'],
  when: ({ can }) => can('item:assign'),
  perform: () => extendChosen(1),
};
