import { goToTop } from '@/state/worklist';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const goToTopCommand: Command<ListContext> = {
  id: 'worklist.go-to-top',
  name: worklist.commands.top,
  group: 'list',
  keys: ['Home', 'g'],
  when: () => true,
  perform: () => void goToTop(),
};
