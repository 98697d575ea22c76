import { openReport } from '@/state/report';
import { report } from '@/text/en-report';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const writeReport: Command<ReadingContext> = {
  id: 'reading.report',
  name: report.command,
  group: 'reading',
  keys: ['Shift+t'],
  when: ({ room }) => room.phase === 'open',
  perform: openReport,
};
