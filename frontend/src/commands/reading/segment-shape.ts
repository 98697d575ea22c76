import { getSegmenting, setSegmenting } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const NEXT = { freehand: 'rectangle', rectangle: 'circle', circle: 'freehand' } as const;

export const segmentShape: Command<ReadingContext> = {
  id: 'reading.segment-shape',
  name: segments.nextShape,
  group: 'segment',
  keys: ['Shift+x'],
  when: ({ room }) => room.tool === 'scissors',
  perform: () => setSegmenting({ shape: NEXT[getSegmenting().shape] }),
};
