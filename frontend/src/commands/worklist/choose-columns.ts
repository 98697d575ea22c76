import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const chooseColumns: Command<ListContext> = {
  id: 'worklist.choose-columns',
  name: worklist.commands.columns,
  group: 'view',
  keys: ['c'],
  when: () => true,
  perform: ({ askColumns }) => askColumns(),
};
