import { isToBeRead } from '@/domain/model';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ListContext } from './context';

export const changeBand: Command<ListContext> = {
  id: 'worklist.change-band',
  name: text.commands.changeBand,
  group: 'list',
  keys: ['b'],
  hint: text.hints.changeBand,
  when: ({ row, can }) => isToBeRead(row) && can('item:band'),
  perform: ({ row, askBand }) => {
    if (row) askBand(row.id);
  },
};
