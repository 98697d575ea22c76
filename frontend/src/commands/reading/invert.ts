import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const invert: Command<ReadingContext> = {
  id: 'reading.invert',
  name: text.commands.invert,
  group: 'image',
  keys: ['i'],
  glyph: 'invert',
  toolbar: true,
  on: ({ inverted }) => inverted,
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.invert(),
};
