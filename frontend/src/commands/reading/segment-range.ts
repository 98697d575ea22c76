import { isSegmentTool } from '@/domain/segment/tools';
import { segmentControl } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentRange: Command<ReadingContext> = {
  id: 'reading.segment-range',
  name: segments.takeRange,
  group: 'segment',
  keys: ['Shift+v'],
  when: ({ room, segmentable }) => segmentable !== null && isSegmentTool(room.tool),
  perform: () => segmentControl()?.takeRange(),
};
