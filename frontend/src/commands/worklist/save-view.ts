import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

export const saveView: Command<ListContext> = {
  id: 'worklist.save-view',
  name: worklist.commands.saveView,
  group: 'view',
  keys: ['v'],
  when: () => true,
  perform: ({ askViews }) => askViews(),
};
