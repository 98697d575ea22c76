import { unaided } from '@/text/en-unaided';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const sign: Command<ReadingContext> = {
  id: 'reading.sign',
  name: unaided.commandName,
  group: 'reading',
  keys: ['Ctrl+Enter'],
  glyph: 'sign',
  when: ({ room }) => room.phase === 'open',
  perform: ({ sign: signNow }) => signNow(),
};
