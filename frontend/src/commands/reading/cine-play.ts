import { playPane } from '@/state/cine';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const cinePlay: Command<ReadingContext> = {
  id: 'reading.cine-play',
  name: text.cine.play,
  group: 'image',
  keys: [' '],
  glyph: 'cine',
  toolbar: true,
  on: ({ playing }) => playing,
  when: ({ hasImage, imageCount }) => hasImage && imageCount > 1,
  whyNot: ({ imageCount }) => (imageCount === 1 ? text.cine.oneImage : null),
  perform: ({ room, playing }) => playPane(room.activePane, !playing),
};
