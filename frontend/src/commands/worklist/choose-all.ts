import { chooseAll } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const chooseAllRows: Command<ListContext> = {
  id: 'worklist.choose-all',
  name: worklist.commands.chooseAll,
  group: 'list',
  keys: ['Ctrl+a'],
  when: ({ can }) => can('item:assign'),
  perform: () => chooseAll(),
};
