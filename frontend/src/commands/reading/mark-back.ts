import { isMeasureTool } from '@/domain/measure/kinds';
import { markControl } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markBack: Command<ReadingContext> = {
  id: 'reading.mark-back',
  name: text.measure.back,
  group: 'marks',
  keys: ['Backspace'],
  when: ({ room }) => isMeasureTool(room.tool),
  perform: () => void markControl()?.back(),
};
