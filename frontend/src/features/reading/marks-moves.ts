import { isMeasureTool } from '@/domain/measure/kinds';
import type { Annotation } from '@/domain/model';
import { isSegmentTool } from '@/domain/segment/tools';
import type { PackIndex } from '@/imaging/pack';
import { cancelDrawing, setMeasuring } from '@/state/measuring';
import { getRoom, jumpTo, setRoom } from '@/state/room';
import { cancelSegmenting } from '@/state/segmenting';
import { seriesHolding } from './first-shown';

/** Chooses a mark and shows its image. */
export function goToMark(index: PackIndex | null, { id, geometry }: Annotation): void {
  setRoom({ activeAnnotation: id, own: true });
  setMeasuring({ grip: null });
  const series = seriesHolding(index, geometry.sop_uid);
  if (series !== null) jumpTo(series, geometry.sop_uid, geometry.frame);
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
