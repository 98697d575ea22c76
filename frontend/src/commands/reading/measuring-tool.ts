import type { MeasureTool } from '@/domain/measure/kinds';
import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

/** A command that takes up one measuring tool. */
export function measuringTool(tool: MeasureTool, key: string): Command<ReadingContext> {
  return {
    id: `reading.measure-${tool}`,
    name: text.measure.commands[tool],
    group: 'measure',
    keys: [key],
    glyph: tool,
    toolbar: true,
    on: ({ room }) => room.tool === tool,
    when: ({ room, writable }) => writable && room.mpr === null,
    whyNot: ({ room, writable }) => {
      if (!writable) return text.measure.notYours;
      return room.mpr === null ? null : text.measure.notHere;
    },
    perform: () => setRoom({ tool, own: true }),
  };
}
