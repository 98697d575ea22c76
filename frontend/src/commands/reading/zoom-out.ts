import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const zoomOut: Command<ReadingContext> = {
  id: 'reading.zoom-out',
  name: text.commands.zoomOut,
  group: 'navigate',
  keys: ['-'],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.zoom(0.8),
};
