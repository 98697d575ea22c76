import { interpolate } from '@/state/segment-jobs';
import { activeSegment, segmentationNow } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentBetween: Command<ReadingContext> = {
  id: 'reading.segment-between',
  name: segments.interpolate,
  group: 'segment',
  keys: ['Shift+i'],
  when: ({ segmentable, writable }) =>
    writable && segmentable !== null && segmentationNow(segmentable) !== null,
  perform: ({ segmentable }) => {
    const one = segmentable ? segmentationNow(segmentable) : null;
    const active = activeSegment(one);
    if (one && active) void interpolate(one.series_uid, active.number);
  },
};
