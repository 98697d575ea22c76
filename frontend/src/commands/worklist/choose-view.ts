import { VIEWS } from '@/domain/views';
import { chooseView } from '@/state/worklist';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

/** One command a view: the digits from 1, in the order of the tabs. */
export const chooseViewCommands: readonly Command<ListContext>[] = VIEWS.map(
  (view, index) => ({
    id: `worklist.view-${view.id}`,
    name: text.commands.view(text.views[view.id]),
    group: 'view',
    keys: [String(index + 1)],
    when: () => true,
    perform: () => chooseView(view.id),
  }),
);
