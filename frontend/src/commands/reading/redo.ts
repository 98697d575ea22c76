import { stepDraft } from '@/state/segmenting';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const redo: Command<ReadingContext> = {
  id: 'reading.redo',
  name: text.commands.redo,
  group: 'edit',
  keys: ['Ctrl+Shift+z', 'Ctrl+y'],
  glyph: 'redo',
  toolbar: true,
  when: ({ room, writable }) => writable && room.draft.future.length > 0,
  perform: () => stepDraft('redo'),
};
