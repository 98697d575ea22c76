import { startModify } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const modifyFinding: Command<ReadingContext> = {
  id: 'reading.modify-finding',
  name: text.commands.modify,
  group: 'answer',
  keys: ['3'],
  hint: text.hints.answer,
  when: ({ finding, writable }) => writable && finding !== null,
  perform: ({ finding }) => {
    if (finding) startModify(finding);
  },
};
