import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolScroll: Command<ReadingContext> = {
  id: 'reading.tool-scroll',
  name: text.commands.toolScroll,
  group: 'navigate',
  keys: ['s'],
  glyph: 'scroll',
  toolbar: true,
  on: ({ room }) => room.tool === 'scroll',
  when: () => true,
  perform: () => setRoom({ tool: 'scroll' }),
};
