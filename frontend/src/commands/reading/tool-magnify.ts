import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toolMagnify: Command<ReadingContext> = {
  id: 'reading.tool-magnify',
  name: text.measure.magnify,
  group: 'navigate',
  keys: ['q'],
  glyph: 'magnify',
  toolbar: true,
  on: ({ room }) => room.tool === 'magnify',
  when: ({ room }) => room.mpr === null,
  perform: () => setRoom({ tool: 'magnify' }),
};
