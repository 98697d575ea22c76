import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const assignRows: Command<ListContext> = {
  id: 'worklist.assign-rows',
  name: worklist.commands.assign,
  group: 'list',
  keys: ['a'],
  hint: worklist.hints.assign,
  when: ({ chosen, row, can }) => can('item:assign') && (chosen > 0 || row !== null),
  perform: ({ askAssign }) => askAssign(),
};
