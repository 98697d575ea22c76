import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const lastImage: Command<ReadingContext> = {
  id: 'reading.last-image',
  name: text.commands.lastImage,
  group: 'navigate',
  keys: ['End'],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.goTo(Number.MAX_SAFE_INTEGER),
};
