import { clearChosen } from '@/state/choosing';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const clearChosenRows: Command<ListContext> = {
  id: 'worklist.clear-chosen',
  name: worklist.commands.clear,
  group: 'list',
  keys: ['Escape'],
  when: ({ chosen }) => chosen > 0,
  perform: () => clearChosen(),
};
