import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const nextFinding: Command<ReadingContext> = {
  id: 'reading.next-finding',
  name: text.commands.nextFinding,
  group: 'answer',
  keys: ['Tab', 'f'],
  when: ({ findings }) => findings.length > 0,
  perform: ({ moveFinding }) => moveFinding(1),
};
