import { moveSelection } from '@/state/worklist';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const moveDown: Command<ListContext> = {
  id: 'worklist.move-down',
  name: text.commands.moveDown,
  group: 'list',
  keys: ['j', 'ArrowDown'],
  hint: text.hints.move,
  when: () => true,
  perform: () => moveSelection(1),
};
