import { showFresh as showFreshNow } from '@/state/worklist';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const showFresh: Command<ListContext> = {
  id: 'worklist.show-fresh',
  name: text.commands.showFresh,
  group: 'list',
  keys: ['r'],
  when: ({ pending }) => pending > 0,
  perform: () => showFreshNow(),
};
