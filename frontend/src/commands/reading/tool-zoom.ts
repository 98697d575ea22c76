import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolZoom: Command<ReadingContext> = {
  id: 'reading.tool-zoom',
  name: text.commands.toolZoom,
  group: 'navigate',
  keys: ['z'],
  glyph: 'zoom',
  toolbar: true,
  on: ({ room }) => room.tool === 'zoom',
  when: () => true,
  perform: () => setRoom({ tool: 'zoom' }),
};
