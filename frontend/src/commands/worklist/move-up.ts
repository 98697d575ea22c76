import { moveSelection } from '@/state/worklist';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const moveUp: Command<ListContext> = {
  id: 'worklist.move-up',
  name: text.commands.moveUp,
  group: 'list',
  keys: ['k', 'ArrowUp'],
  hint: text.hints.move,
  when: () => true,
  perform: () => moveSelection(-1),
};
