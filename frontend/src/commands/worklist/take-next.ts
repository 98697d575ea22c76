import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const takeNext: Command<ListContext> = {
  id: 'worklist.take-next',
  name: text.commands.takeNext,
  group: 'list',
  keys: ['n'],
  hint: text.hints.takeNext,
  when: ({ canOpen }) => canOpen,
  perform: ({ takeNext: take }) => take(),
};
