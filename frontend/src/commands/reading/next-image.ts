import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const nextImage: Command<ReadingContext> = {
  id: 'reading.next-image',
  name: text.commands.nextImage,
  group: 'navigate',
  keys: ['ArrowDown', 'ArrowRight'],
  hint: text.hints.image,
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.scroll(1),
};
