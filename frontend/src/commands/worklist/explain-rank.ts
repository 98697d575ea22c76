import { isToBeRead } from '@/domain/model';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const explainRank: Command<ListContext> = {
  id: 'worklist.explain-rank',
  name: text.commands.why,
  group: 'list',
  keys: ['w'],
  hint: text.hints.why,
  when: ({ row }) => isToBeRead(row),
  perform: ({ row, explain }) => explain(row?.id ?? null),
};
