import { applyObject } from '@/state/foreign';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const resetView: Command<ReadingContext> = {
  id: 'reading.reset-view',
  name: text.commands.reset,
  group: 'image',
  keys: ['0'],
  glyph: 'reset',
  toolbar: true,
  when: ({ view }) => view !== null,
  perform: ({ room, view }) => {
    applyObject(room.activePane, null);
    view?.reset();
  },
};
