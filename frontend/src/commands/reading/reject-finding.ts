import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const rejectFinding: Command<ReadingContext> = {
  id: 'reading.reject-finding',
  name: text.commands.reject,
  group: 'answer',
  keys: ['2'],
  hint: text.hints.answer,
  when: ({ finding, writable }) => writable && finding !== null,
  perform: ({ finding }) => {
    if (finding) setRoom({ ask: { kind: 'reject', finding: finding.id } });
  },
};
