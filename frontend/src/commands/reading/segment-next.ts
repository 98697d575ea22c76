import { activeSegment, chooseSegment, segmentationNow } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentNext: Command<ReadingContext> = {
  id: 'reading.segment-next',
  name: segments.nextSegment,
  group: 'segment',
  keys: ['9'],
  when: ({ segmentable }) => segmentable !== null,
  perform: ({ segmentable }) => {
    const one = segmentable ? segmentationNow(segmentable) : null;
    const active = activeSegment(one);
    if (!one || !active) return;
    const at = one.segments.indexOf(active);
    const next = one.segments[(at + 1) % one.segments.length];
    if (next) chooseSegment(one.series_uid, next.number);
  },
};
