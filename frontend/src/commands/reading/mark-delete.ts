import { markControl, removeMark } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markDelete: Command<ReadingContext> = {
  id: 'reading.mark-delete',
  name: text.measure.remove,
  group: 'marks',
  keys: ['Delete'],
  when: ({ room, writable }) => writable && room.activeAnnotation !== null,
  perform: ({ room }) => {
    const control = markControl();
    if (control) control.remove();
    else if (room.activeAnnotation) removeMark(room.activeAnnotation, null);
  },
};
