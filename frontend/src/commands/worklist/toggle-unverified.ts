import { verifying } from '@/text/en-verify';
import type { Command } from '../command';
import type { ListContext } from './context';

export const toggleUnverified: Command<ListContext> = {
  id: 'worklist.toggle-unverified',
  name: verifying.commands.toggle,
  group: 'list',
  keys: ['p'],
  when: ({ can }) => can('reading:sign'),
  perform: ({ toggleUnverified: toggle }) => toggle(),
};
