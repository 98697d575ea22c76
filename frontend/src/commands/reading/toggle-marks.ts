import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toggleMarks: Command<ReadingContext> = {
  id: 'reading.toggle-marks',
  name: text.commands.marks,
  group: 'overlay',
  keys: ['a'],
  glyph: 'marks',
  toolbar: true,
  hint: text.hints.aiMarks,
  on: ({ room }) => room.marks,
  when: ({ aiVisible }) => aiVisible,
  perform: ({ room }) => setRoom({ marks: !room.marks }),
};
