import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const nextMark: Command<ReadingContext> = {
  id: 'reading.next-mark',
  name: text.measure.nextMark,
  group: 'marks',
  keys: ['n'],
  when: ({ room }) => room.draft.content.annotations.length > 0,
  perform: ({ moveMark }) => moveMark(1),
};
