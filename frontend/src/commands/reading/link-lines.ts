import { setLinks } from '@/state/linking';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const linkLines: Command<ReadingContext> = {
  id: 'reading.link-lines',
  name: display.link.lines,
  group: 'link',
  keys: ['Alt+r'],
  glyph: 'lines',
  toolbar: true,
  on: ({ links }) => links.lines,
  when: () => true,
  perform: ({ links }) => setLinks({ lines: !links.lines }),
};
