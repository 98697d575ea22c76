import { TO_VERIFY, VIEWS } from '@/domain/views';
import { chooseViewAt } from '@/state/list-views';
import { text } from '@/text/en';
import { worklist } from '@/text/en-worklist';
import type { Command } from '../command';
import type { ListContext } from './context';

const NUMBERS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** One command a tab: the digits from 1, in the order of the tabs. */
export const chooseViewCommands: readonly Command<ListContext>[] = NUMBERS.map((n) => {
  // Who signs nothing has one tab less: only the others have a number for certain.
  const builtIn = VIEWS.filter(({ id }) => id !== TO_VERIFY)[n - 1];
  return {
    id: `worklist.view-${n}`,
    name: builtIn
      ? text.commands.openView(worklist.views[builtIn.id])
      : worklist.viewAt(n),
    group: 'view',
    keys: [String(n)],
    when: () => true,
    perform: () => {
      chooseViewAt(n - 1);
    },
  };
});
