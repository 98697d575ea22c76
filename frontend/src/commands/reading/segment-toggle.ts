import { getSegmenting, setSegmenting } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const segmentToggle: Command<ReadingContext> = {
  id: 'reading.segment-toggle',
  name: segments.toggle,
  group: 'segment',
  keys: ['Shift+o'],
  when: () => true,
  perform: () => setSegmenting({ shown: !getSegmenting().shown }),
};
