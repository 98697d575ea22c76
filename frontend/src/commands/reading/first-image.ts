import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const firstImage: Command<ReadingContext> = {
  id: 'reading.first-image',
  name: text.commands.firstImage,
  group: 'navigate',
  keys: ['Home'],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.goTo(0),
};
