import { isSegmentTool } from '@/domain/segment/tools';
import { segmentControl } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentErase: Command<ReadingContext> = {
  id: 'reading.segment-erase',
  name: segments.pressErase,
  group: 'segment',
  keys: ['Shift+Enter'],
  when: ({ room, writable, segmentable }) =>
    writable && segmentable !== null && isSegmentTool(room.tool),
  perform: () => segmentControl()?.press(true),
};
