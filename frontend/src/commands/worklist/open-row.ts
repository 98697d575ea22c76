import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const openRow: Command<ListContext> = {
  id: 'worklist.open-row',
  name: text.commands.open,
  group: 'list',
  keys: ['Enter'],
  hint: text.hints.open,
  when: ({ row, canOpen }) => row !== null && canOpen,
  perform: ({ row, open }) => {
    if (row) open(row.id);
  },
};
