import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const previousImage: Command<ReadingContext> = {
  id: 'reading.previous-image',
  name: text.commands.previousImage,
  group: 'navigate',
  keys: ['ArrowUp', 'ArrowLeft'],
  hint: text.hints.image,
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.scroll(-1),
};
