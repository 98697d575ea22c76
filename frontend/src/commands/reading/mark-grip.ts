import { markControl } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markGrip: Command<ReadingContext> = {
  id: 'reading.mark-grip',
  name: text.measure.nextGrip,
  group: 'marks',
  keys: ['Shift+m'],
  when: ({ room, writable }) => writable && room.activeAnnotation !== null,
  perform: () => markControl()?.nextGrip(),
};
