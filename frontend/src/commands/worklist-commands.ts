import type { Command } from './command';
import { assignRows } from './worklist/assign-rows';
import { byRank } from './worklist/by-rank';
import { changeBand } from './worklist/change-band';
import { chooseAllRows } from './worklist/choose-all';
import { chooseColumns } from './worklist/choose-columns';
import { chooseRow } from './worklist/choose-row';
import { chooseViewCommands } from './worklist/choose-view';
import { clearChosenRows } from './worklist/clear-chosen';
import type { ListContext } from './worklist/context';
import { explainRank } from './worklist/explain-rank';
import { extendDown } from './worklist/extend-down';
import { extendUp } from './worklist/extend-up';
import { focusSearch } from './worklist/focus-search';
import { goToTopCommand } from './worklist/go-to-top';
import { moveDown } from './worklist/move-down';
import { moveUp } from './worklist/move-up';
import { openRow } from './worklist/open-row';
import { pageDown } from './worklist/page-down';
import { pageUp } from './worklist/page-up';
import { saveView } from './worklist/save-view';
import { showFresh } from './worklist/show-fresh';
import { showHelp } from './worklist/show-help';
import { takeNext } from './worklist/take-next';
import { toggleToVerify } from './worklist/toggle-to-verify';
import { undoAssign } from './worklist/undo-assign';

/** Everything that can be done on the worklist, in the order of the help overlay. */
export const WORKLIST_COMMANDS: readonly Command<ListContext>[] = [
  moveDown,
  moveUp,
  pageDown,
  pageUp,
  goToTopCommand,
  openRow,
  takeNext,
  toggleToVerify,
  explainRank,
  changeBand,
  focusSearch,
  showFresh,
  chooseRow,
  extendDown,
  extendUp,
  chooseAllRows,
  clearChosenRows,
  assignRows,
  undoAssign,
  ...chooseViewCommands,
  byRank,
  chooseColumns,
  saveView,
  showHelp,
];
