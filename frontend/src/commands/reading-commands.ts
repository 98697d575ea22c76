import type { Command } from './command';
import { acceptFinding } from './reading/accept-finding';
import { addMissed } from './reading/add-missed';
import { amendAndVerify } from './reading/amend-and-verify';
import { capture } from './reading/capture';
import { changeBand } from './reading/change-band';
import { cineFaster } from './reading/cine-faster';
import { cinePlay } from './reading/cine-play';
import { cineSlower } from './reading/cine-slower';
import { compareLesion } from './reading/compare-lesion';
import { comparePrior } from './reading/compare-prior';
import type { ReadingContext } from './reading/context';
import { discuss } from './reading/discuss';
import { enlarge } from './reading/enlarge';
import { firstImage } from './reading/first-image';
import { flip } from './reading/flip';
import { invert } from './reading/invert';
import { lastImage } from './reading/last-image';
import { layoutFour } from './reading/layout-four';
import { layoutGrid } from './reading/layout-grid';
import { layoutMpr } from './reading/layout-mpr';
import { layoutOne } from './reading/layout-one';
import { layoutSolid } from './reading/layout-solid';
import { layoutTwo } from './reading/layout-two';
import { leave } from './reading/leave';
import { linkLines } from './reading/link-lines';
import { linkLook } from './reading/link-look';
import { linkScroll } from './reading/link-scroll';
import { markBack } from './reading/mark-back';
import { markDelete } from './reading/mark-delete';
import { markGrip } from './reading/mark-grip';
import { markNudgeCommands } from './reading/mark-nudge';
import { markPlace } from './reading/mark-place';
import { markRelabel } from './reading/mark-relabel';
import { markRename } from './reading/mark-rename';
import { measureAngle } from './reading/measure-angle';
import { measureArrow } from './reading/measure-arrow';
import { measureBidirectional } from './reading/measure-bidirectional';
import { measureCalibrate } from './reading/measure-calibrate';
import { measureCircle } from './reading/measure-circle';
import { measureCobb } from './reading/measure-cobb';
import { measureEllipse } from './reading/measure-ellipse';
import { measureFreehand } from './reading/measure-freehand';
import { measureLength } from './reading/measure-length';
import { measureProbe } from './reading/measure-probe';
import { measureRectangle } from './reading/measure-rectangle';
import { measureSpline } from './reading/measure-spline';
import { modifyFinding } from './reading/modify-finding';
import { movePaneCommands } from './reading/move-pane';
import { nextFinding } from './reading/next-finding';
import { nextImage } from './reading/next-image';
import { nextMark } from './reading/next-mark';
import { nextPane } from './reading/next-pane';
import { nextSeries } from './reading/next-series';
import { previousFinding } from './reading/previous-finding';
import { previousImage } from './reading/previous-image';
import { previousMark } from './reading/previous-mark';
import { previousSeries } from './reading/previous-series';
import { redo } from './reading/redo';
import { rejectFinding } from './reading/reject-finding';
import { resetView } from './reading/reset-view';
import { retrySave } from './reading/retry-save';
import { rotate } from './reading/rotate';
import { segmentAdd } from './reading/segment-add';
import { segmentBetween } from './reading/segment-between';
import { segmentBrush } from './reading/segment-brush';
import { segmentErase } from './reading/segment-erase';
import { segmentEraser } from './reading/segment-eraser';
import { segmentFill } from './reading/segment-fill';
import { segmentNext } from './reading/segment-next';
import { segmentRange } from './reading/segment-range';
import { segmentScissors } from './reading/segment-scissors';
import { segmentShape } from './reading/segment-shape';
import { segmentSizeCommands } from './reading/segment-size';
import { segmentThreshold } from './reading/segment-threshold';
import { segmentToggle } from './reading/segment-toggle';
import { sendBack } from './reading/send-back';
import { showHelp } from './reading/show-help';
import { sign } from './reading/sign';
import { slab } from './reading/slab';
import { toggleLabels } from './reading/toggle-labels';
import { toggleMarks } from './reading/toggle-marks';
import { toggleOverlays } from './reading/toggle-overlays';
import { toggleOwn } from './reading/toggle-own';
import { toggleSaliency } from './reading/toggle-saliency';
import { toolCross } from './reading/tool-cross';
import { toolMagnify } from './reading/tool-magnify';
import { toolPan } from './reading/tool-pan';
import { toolScroll } from './reading/tool-scroll';
import { toolWindow } from './reading/tool-window';
import { toolZoom } from './reading/tool-zoom';
import { undo } from './reading/undo';
import { verify } from './reading/verify';
import { windowPresetCommands } from './reading/window-preset';
import { writeReport } from './reading/write-report';
import { zoomIn } from './reading/zoom-in';
import { zoomOut } from './reading/zoom-out';

/** Everything that can be done in the reading room, in the order of the toolbar. */
export const READING_COMMANDS: readonly Command<ReadingContext>[] = [
  toolScroll,
  toolWindow,
  toolPan,
  toolZoom,
  toolCross,
  toolMagnify,
  previousImage,
  nextImage,
  firstImage,
  lastImage,
  zoomIn,
  zoomOut,
  ...windowPresetCommands,
  measureLength,
  measureBidirectional,
  measureAngle,
  measureCobb,
  measureEllipse,
  measureRectangle,
  measureCircle,
  measureFreehand,
  measureSpline,
  measureProbe,
  measureArrow,
  measureCalibrate,
  markPlace,
  markBack,
  nextMark,
  previousMark,
  markGrip,
  ...markNudgeCommands,
  markRename,
  markRelabel,
  markDelete,
  segmentBrush,
  segmentThreshold,
  segmentScissors,
  segmentFill,
  segmentEraser,
  segmentErase,
  ...segmentSizeCommands,
  segmentRange,
  segmentShape,
  segmentAdd,
  segmentNext,
  segmentBetween,
  segmentToggle,
  invert,
  rotate,
  flip,
  cinePlay,
  cineSlower,
  cineFaster,
  resetView,
  capture,
  toggleOverlays,
  toggleLabels,
  layoutOne,
  layoutTwo,
  layoutFour,
  layoutGrid,
  layoutMpr,
  layoutSolid,
  slab,
  enlarge,
  nextPane,
  ...movePaneCommands,
  previousSeries,
  nextSeries,
  comparePrior,
  linkScroll,
  linkLook,
  linkLines,
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
  compareLesion,
  addMissed,
  writeReport,
  changeBand,
  discuss,
  retrySave,
  sign,
  verify,
  amendAndVerify,
  sendBack,
  leave,
  showHelp,
];
