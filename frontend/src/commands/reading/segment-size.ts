import { nextBrush } from '@/domain/segment/paint';
import { isSegmentTool } from '@/domain/segment/tools';
import { getSegmenting, setSegmenting } from '@/state/segmenting';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const sizing = (id: string, name: string, key: string, by: number) =>
  ({
    id: `reading.segment-${id}`,
    name,
    group: 'segment',
    keys: [key],
    when: ({ room }) => isSegmentTool(room.tool),
    perform: () => setSegmenting({ size: nextBrush(getSegmenting().size, by) }),
  }) satisfies Command<ReadingContext>;

/** A smaller and a larger brush. */
export const segmentSizeCommands: readonly Command<ReadingContext>[] = [
  sizing('smaller', segments.smaller, '[', -1),
  sizing('larger', segments.larger, ']', 1),
];
