import { isMeasureTool } from '@/domain/measure/kinds';
import { markControl } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markPlace: Command<ReadingContext> = {
  id: 'reading.mark-place',
  name: text.measure.place,
  group: 'marks',
  keys: ['Enter'],
  when: ({ room, writable, hasImage }) =>
    writable && hasImage && isMeasureTool(room.tool) && room.mpr === null,
  perform: () => markControl()?.place(),
};
