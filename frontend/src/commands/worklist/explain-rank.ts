import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const explainRank: Command<ListContext> = {
  id: 'worklist.explain-rank',
  name: text.commands.why,
  group: 'list',
  keys: ['w'],
  hint: text.hints.why,
  when: ({ row }) => row !== null,
  perform: ({ row, explain }) => explain(row?.id ?? null),
};
