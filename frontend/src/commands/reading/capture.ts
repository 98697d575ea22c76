import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const capture: Command<ReadingContext> = {
  id: 'reading.capture',
  name: display.capture.name,
  group: 'image',
  keys: ['Alt+p'],
  glyph: 'camera',
  toolbar: true,
  when: ({ hasImage, room, view }) => hasImage || (room.mpr !== null && view !== null),
  perform: ({ capture: take }) => take(),
};
