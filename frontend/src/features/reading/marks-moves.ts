import type { Point } from '@/domain/geometry';
import { isMeasureTool } from '@/domain/measure/kinds';
import type { Annotation, Geometry } from '@/domain/model';
import { isSegmentTool } from '@/domain/segment/tools';
import type { PackIndex } from '@/imaging/pack';
import { cancelDrawing, setMeasuring } from '@/state/measuring';
import { getRoom, jumpTo, setRoom } from '@/state/room';
import { cancelSegmenting } from '@/state/segmenting';
import { seriesHolding } from './first-shown';

/** The middle of a mark's points on its image; null where they are in the patient. */
function middleOf({ space, points }: Geometry): Point | null {
  if (space !== 'image' || points.length === 0) return null;
  const mean = (axis: 0 | 1) =>
    points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length;
  return [mean(0), mean(1)];
}

/** Chooses a mark and shows its image; in three planes the crosshairs go to it. */
export function goToMark(index: PackIndex | null, { id, geometry }: Annotation): void {
  setRoom({ activeAnnotation: id, own: true });
  setMeasuring({ grip: null });
  const series = seriesHolding(index, geometry.sop_uid);
  if (series !== null)
    jumpTo(series, geometry.sop_uid, geometry.frame, middleOf(geometry));
}

/** The mark that lies `by` further in the list, around its ends. */
export function moveMark(index: PackIndex | null, by: number): void {
  const { activeAnnotation, draft } = getRoom();
  const { annotations } = draft.content;
  const place = annotations.findIndex((one) => one.id === activeAnnotation);
  const count = annotations.length;
  const from = place < 0 && by < 0 ? 0 : place;
  const next = annotations[(from + by + count) % count];
  if (next) goToMark(index, next);
}

/** One step out of measuring: the drawing, then the chosen mark, then the tool. */
export function endMeasuring(): boolean {
  if (cancelDrawing() || cancelSegmenting()) return true;
  const { activeAnnotation, drawing, ask, tool } = getRoom();
  if (drawing !== null || ask !== null) return false;
  if (activeAnnotation !== null) {
    setRoom({ activeAnnotation: null });
    return true;
  }
  if (!isMeasureTool(tool) && !isSegmentTool(tool) && tool !== 'magnify') return false;
  setRoom({ tool: 'window' });
  return true;
}
