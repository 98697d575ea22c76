import { nextPane as goToNextPane } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const nextPane: Command<ReadingContext> = {
  id: 'reading.next-pane',
  name: text.commands.nextPane,
  group: 'layout',
  keys: ['v'],
  hint: text.hints.viewport,
  when: ({ room }) => room.layout !== '1x1',
  perform: () => goToNextPane(),
};
