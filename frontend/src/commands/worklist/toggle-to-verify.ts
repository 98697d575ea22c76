import { verifying } from '@/text/en-verify';
import type { Command } from '../command';
import type { ListContext } from './context';

export const toggleToVerify: Command<ListContext> = {
  id: 'worklist.toggle-to-verify',
  name: verifying.commands.toggle,
  group: 'list',
  keys: ['p'],
  when: ({ can }) => can('reading:sign'),
  perform: (context) => context.toggleToVerify(),
};
