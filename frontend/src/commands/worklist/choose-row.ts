import { toggleChosen } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const chooseRow: Command<ListContext> = {
  id: 'worklist.choose-row',
  name: worklist.commands.choose,
  group: 'list',
  keys: ['x'],
  hint: worklist.hints.choose,
  when: ({ row, can }) => row !== null && can('item:assign'),
  perform: ({ row }) => {
    if (row) toggleChosen(row.id);
  },
};
