import type { Command } from './command';
import { acceptFinding } from './reading/accept-finding';
import { addMissed } from './reading/add-missed';
import { changeBand } from './reading/change-band';
import type { ReadingContext } from './reading/context';
import { enlarge } from './reading/enlarge';
import { firstImage } from './reading/first-image';
import { flip } from './reading/flip';
import { invert } from './reading/invert';
import { lastImage } from './reading/last-image';
import { layoutFour } from './reading/layout-four';
import { layoutGrid } from './reading/layout-grid';
import { layoutMpr } from './reading/layout-mpr';
import { layoutOne } from './reading/layout-one';
import { layoutTwo } from './reading/layout-two';
import { leave } from './reading/leave';
import { modifyFinding } from './reading/modify-finding';
import { movePaneCommands } from './reading/move-pane';
import { nextFinding } from './reading/next-finding';
import { nextImage } from './reading/next-image';
import { nextPane } from './reading/next-pane';
import { nextSeries } from './reading/next-series';
import { previousFinding } from './reading/previous-finding';
import { previousImage } from './reading/previous-image';
import { previousSeries } from './reading/previous-series';
import { redo } from './reading/redo';
import { rejectFinding } from './reading/reject-finding';
import { resetView } from './reading/reset-view';
import { retrySave } from './reading/retry-save';
import { rotate } from './reading/rotate';
import { showHelp } from './reading/show-help';
import { sign } from './reading/sign';
import { toggleMarks } from './reading/toggle-marks';
import { toggleOwn } from './reading/toggle-own';
import { toggleSaliency } from './reading/toggle-saliency';
import { toolCross } from './reading/tool-cross';
import { toolPan } from './reading/tool-pan';
import { toolScroll } from './reading/tool-scroll';
import { toolWindow } from './reading/tool-window';
import { toolZoom } from './reading/tool-zoom';
import { undo } from './reading/undo';
import { windowPresetCommands } from './reading/window-preset';
import { zoomIn } from './reading/zoom-in';
import { zoomOut } from './reading/zoom-out';

/** Everything that can be done in the reading room, in the order of the toolbar. */
export const READING_COMMANDS: readonly Command<ReadingContext>[] = [
  toolScroll,
  toolWindow,
  toolPan,
  toolZoom,
  toolCross,
  previousImage,
  nextImage,
  firstImage,
  lastImage,
  zoomIn,
  zoomOut,
  ...windowPresetCommands,
  invert,
  rotate,
  flip,
  resetView,
  layoutOne,
  layoutTwo,
  layoutFour,
  layoutGrid,
  layoutMpr,
  enlarge,
  nextPane,
  ...movePaneCommands,
  previousSeries,
  nextSeries,
  undo,
  redo,
  toggleOwn,
  toggleMarks,
  toggleSaliency,
  acceptFinding,
  rejectFinding,
  modifyFinding,
  nextFinding,
  previousFinding,
  addMissed,
  changeBand,
  retrySave,
  sign,
  leave,
  showHelp,
];
