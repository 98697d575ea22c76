import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const flip: Command<ReadingContext> = {
  id: 'reading.flip',
  name: text.commands.flip,
  group: 'image',
  keys: ['m'],
  glyph: 'flip',
  toolbar: true,
  when: ({ room, view }) => view !== null && room.mpr === null,
  perform: ({ view }) => view?.flip(),
};
