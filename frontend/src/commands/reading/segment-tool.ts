import type { SegmentTool } from '@/domain/segment/tools';
import { setRoom } from '@/state/room';
import { setSegmenting } from '@/state/segmenting';
import { text } from '@/text/en';
import { segments } from '@/text/en-segments';
import type { Command } from '../command';
import type { ReadingContext } from './context';

/** A command that takes up one segment tool. */
export function segmentTool(tool: SegmentTool, key: string): Command<ReadingContext> {
  return {
    id: `reading.segment-${tool}`,
    name: segments.tools[tool],
    group: 'segment',
    keys: [key],
    glyph: tool,
    toolbar: true,
    on: ({ room }) => room.tool === tool,
    when: ({ room, writable, segmentable }) =>
      writable && (room.mpr === null || segmentable !== null),
    whyNot: ({ room, writable, segmentable }) => {
      if (!writable) return text.measure.notYours;
      return room.mpr === null || segmentable !== null ? null : segments.notHere;
    },
    perform: () => {
      setRoom({ tool, activeAnnotation: null });
      setSegmenting({ shown: true, trouble: null });
    },
  };
}
