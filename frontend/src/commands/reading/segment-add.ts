import { setSegmenting } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentAdd: Command<ReadingContext> = {
  id: 'reading.segment-add',
  name: segments.add,
  group: 'segment',
  keys: ['Shift+s'],
  when: ({ writable, segmentable }) => writable && segmentable !== null,
  perform: () => setSegmenting({ field: { kind: 'add' } }),
};
