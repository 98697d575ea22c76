import { chooseSort } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const byRank: Command<ListContext> = {
  id: 'worklist.by-rank',
  name: worklist.commands.byRank,
  group: 'view',
  keys: ['0'],
  when: ({ isSorted }) => isSorted,
  perform: () => chooseSort(null),
};
