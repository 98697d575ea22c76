import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const previousFinding: Command<ReadingContext> = {
  id: 'reading.previous-finding',
  name: text.commands.previousFinding,
  group: 'answer',
  keys: ['Shift+Tab', 'Shift+f'],
  when: ({ findings }) => findings.length > 0,
  perform: ({ moveFinding }) => moveFinding(-1),
};
