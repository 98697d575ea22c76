import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolPan: Command<ReadingContext> = {
  id: 'reading.tool-pan',
  name: text.commands.toolPan,
  group: 'navigate',
  keys: ['p'],
  glyph: 'pan',
  toolbar: true,
  on: ({ room }) => room.tool === 'pan',
  when: () => true,
  perform: () => setRoom({ tool: 'pan' }),
};
