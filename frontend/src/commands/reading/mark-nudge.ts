import type { Point } from '@/domain/geometry';
import { isSegmentTool } from '@/domain/segment/tools';
import { markControl } from '@/state/measuring';
import { segmentControl } from '@/state/segmenting';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

type Way = keyof typeof text.measure.nudge;

const WAYS: readonly (readonly [Way, string, Point])[] = [
  ['left', 'Ctrl+ArrowLeft', [-1, 0]],
  ['right', 'Ctrl+ArrowRight', [1, 0]],
  ['up', 'Ctrl+ArrowUp', [0, -1]],
  ['down', 'Ctrl+ArrowDown', [0, 1]],
];

/**
 * By one pixel of the image a stroke: the whole mark, or the grip that is chosen. With
 * a segment tool the cursor moves, by a part of the brush.
 */
export const markNudgeCommands: readonly Command<ReadingContext>[] = WAYS.map(
  ([way, key, by]) => ({
    id: `reading.mark-${way}`,
    name: text.measure.nudge[way],
    group: 'marks',
    keys: [key],
    when: ({ room, writable }) =>
      writable && (room.activeAnnotation !== null || isSegmentTool(room.tool)),
    perform: ({ room }) => {
      if (isSegmentTool(room.tool)) segmentControl()?.move(by);
      else markControl()?.nudge(by);
    },
  }),
);
