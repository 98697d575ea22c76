import type { Types } from '@cornerstonejs/core';
import { WindowLevelTool } from '@cornerstonejs/tools';
import { draggedUptake } from '@/domain/windows';

interface Drag {
  readonly deltaPointsCanvas: Types.Point2;
  readonly lower: number;
  readonly upper: number;
  readonly clientHeight: number;
}

/**
 * Width and level by dragging. Of PET only the upper end moves, as PET is read. The
 * library moves it by 5 over a whole pane, which is right for values that it has itself
 * made SUV; ours are as the image says (Bq/ml), where 5 is nothing.
 */
export class WindowTool extends WindowLevelTool {
  override getPTScaledNewRange({
    deltaPointsCanvas: [, down],
    lower,
    upper,
    clientHeight,
  }: Drag): { lower: number; upper: number } {
    return draggedUptake({ lower, upper }, down / Math.max(1, clientHeight));
  }
}
