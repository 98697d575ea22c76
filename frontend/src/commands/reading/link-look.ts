import { setLinks } from '@/state/linking';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const linkLook: Command<ReadingContext> = {
  id: 'reading.link-look',
  name: display.link.look,
  group: 'link',
  keys: ['Alt+y'],
  glyph: 'same',
  toolbar: true,
  on: ({ links }) => links.look,
  when: () => true,
  perform: ({ links }) => setLinks({ look: !links.look }),
};
