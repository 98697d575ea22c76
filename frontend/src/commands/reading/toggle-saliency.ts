import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toggleSaliency: Command<ReadingContext> = {
  id: 'reading.toggle-saliency',
  name: text.commands.saliency,
  group: 'overlay',
  keys: ['h'],
  glyph: 'saliency',
  toolbar: true,
  hint: text.hints.saliency,
  on: ({ room }) => room.saliency,
  when: ({ aiVisible }) => aiVisible,
  perform: ({ room }) => setRoom({ saliency: !room.saliency }),
};
