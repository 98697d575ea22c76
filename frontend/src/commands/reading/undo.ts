import { stepDraft } from '@/state/segmenting';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const undo: Command<ReadingContext> = {
  id: 'reading.undo',
  name: text.commands.undo,
  group: 'edit',
  keys: ['Ctrl+z'],
  glyph: 'undo',
  toolbar: true,
  when: ({ room, writable }) => writable && room.draft.past.length > 0,
  perform: () => stepDraft('undo'),
};
