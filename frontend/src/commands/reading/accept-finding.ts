import { accept } from '@/domain/draft';
import { answerFinding } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const acceptFinding: Command<ReadingContext> = {
  id: 'reading.accept-finding',
  name: text.commands.accept,
  group: 'answer',
  keys: ['1'],
  hint: text.hints.answer,
  when: ({ finding, writable }) => writable && finding !== null,
  perform: ({ finding }) => {
    if (finding) answerFinding(finding.id, accept());
  },
};
