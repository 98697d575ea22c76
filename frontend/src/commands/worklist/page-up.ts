import { moveSelection } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const pageUp: Command<ListContext> = {
  id: 'worklist.page-up',
  name: worklist.commands.pageUp,
  group: 'list',
  keys: ['PageUp'],
  when: () => true,
  perform: ({ pageRows }) => moveSelection(-pageRows),
};
