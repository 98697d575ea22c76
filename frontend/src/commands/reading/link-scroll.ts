import { setLinks } from '@/state/linking';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const linkScroll: Command<ReadingContext> = {
  id: 'reading.link-scroll',
  name: display.link.scroll,
  group: 'link',
  keys: ['Alt+l'],
  glyph: 'link',
  toolbar: true,
  on: ({ links }) => links.scroll,
  when: () => true,
  perform: ({ links }) => setLinks({ scroll: !links.scroll, offsets: {} }),
};
