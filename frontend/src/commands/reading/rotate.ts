import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const rotate: Command<ReadingContext> = {
  id: 'reading.rotate',
  name: text.commands.rotate,
  group: 'image',
  keys: ['t'],
  glyph: 'rotate',
  toolbar: true,
  when: ({ room, view }) => view !== null && room.mpr === null,
  perform: ({ view }) => view?.rotate(),
};
