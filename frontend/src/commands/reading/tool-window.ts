import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolWindow: Command<ReadingContext> = {
  id: 'reading.tool-window',
  name: text.commands.toolWindow,
  group: 'navigate',
  keys: ['w'],
  glyph: 'window',
  toolbar: true,
  on: ({ room }) => room.tool === 'window',
  when: () => true,
  perform: () => setRoom({ tool: 'window' }),
};
