import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const previousMark: Command<ReadingContext> = {
  id: 'reading.previous-mark',
  name: text.measure.previousMark,
  group: 'marks',
  keys: ['Shift+n'],
  when: ({ room }) => room.draft.content.annotations.length > 0,
  perform: ({ moveMark }) => moveMark(-1),
};
