import { undoLast } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const undoAssign: Command<ListContext> = {
  id: 'worklist.undo-assign',
  name: worklist.commands.undo,
  group: 'list',
  keys: ['u', 'Ctrl+z'],
  when: ({ canUndo }) => canUndo,
  perform: () => void undoLast(),
};
