import type { Command } from './command';
import { changeBand } from './worklist/change-band';
import { chooseViewCommands } from './worklist/choose-view';
import type { ListContext } from './worklist/context';
import { explainRank } from './worklist/explain-rank';
import { focusSearch } from './worklist/focus-search';
import { moveDown } from './worklist/move-down';
import { moveUp } from './worklist/move-up';
import { openRow } from './worklist/open-row';
import { showFresh } from './worklist/show-fresh';
import { showHelp } from './worklist/show-help';
import { takeNext } from './worklist/take-next';

/** Everything that can be done on the worklist, in the order of the help overlay. */
export const WORKLIST_COMMANDS: readonly Command<ListContext>[] = [
  moveDown,
  moveUp,
  openRow,
  takeNext,
  explainRank,
  changeBand,
  focusSearch,
  showFresh,
  ...chooseViewCommands,
  showHelp,
];
