import { setMeasuring } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markRename: Command<ReadingContext> = {
  id: 'reading.mark-rename',
  name: text.measure.rename,
  group: 'marks',
  keys: ['F2'],
  when: ({ room, writable }) => writable && room.activeAnnotation !== null,
  perform: ({ room: { activeAnnotation: id } }) => {
    if (id !== null) setMeasuring({ question: { id, kind: 'text', where: 'list' } });
  },
};
