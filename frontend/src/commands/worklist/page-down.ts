import { moveSelection } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const pageDown: Command<ListContext> = {
  id: 'worklist.page-down',
  name: worklist.commands.pageDown,
  group: 'list',
  keys: ['PageDown'],
  when: () => true,
  perform: ({ pageRows }) => moveSelection(pageRows),
};
