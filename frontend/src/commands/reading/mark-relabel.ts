import { setMeasuring } from '@/state/measuring';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const markRelabel: Command<ReadingContext> = {
  id: 'reading.mark-relabel',
  name: text.measure.relabel,
  group: 'marks',
  keys: ['Shift+r'],
  when: ({ room, writable }) => writable && room.activeAnnotation !== null,
  perform: ({ room: { activeAnnotation: id } }) => {
    if (id !== null) setMeasuring({ question: { id, kind: 'label', where: 'list' } });
  },
};
