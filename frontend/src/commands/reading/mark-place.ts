import { isMeasureTool } from '@/domain/measure/kinds';
import { isSegmentTool } from '@/domain/segment/tools';
import { markControl } from '@/state/measuring';
import { segmentControl } from '@/state/segmenting';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markPlace: Command<ReadingContext> = {
  id: 'reading.mark-place',
  name: text.measure.place,
  group: 'marks',
  keys: ['Enter'],
  when: ({ room, writable, hasImage, segmentable }) => {
    if (!writable) return false;
    if (isSegmentTool(room.tool)) return segmentable !== null;
    return hasImage && isMeasureTool(room.tool) && room.mpr === null;
  },
  perform: ({ room }) => {
    if (isSegmentTool(room.tool)) segmentControl()?.press(false);
    else markControl()?.place();
  },
};
