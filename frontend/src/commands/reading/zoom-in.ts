import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const zoomIn: Command<ReadingContext> = {
  id: 'reading.zoom-in',
  name: text.commands.zoomIn,
  group: 'navigate',
  keys: ['+', '='],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.zoom(1.25),
};
