import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const leave: Command<ReadingContext> = {
  id: 'reading.leave',
  name: text.commands.back,
  group: 'general',
  keys: ['Escape'],
  when: () => true,
  perform: (context) => context.escape(),
};
