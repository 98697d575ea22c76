import { getDisplay, setDisplay } from '@/state/display';
import { looks } from '@/text/en-looks';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const toggleOverlays: Command<ReadingContext> = {
  id: 'reading.toggle-overlays',
  name: looks.overlays,
  group: 'image',
  keys: ['Alt+o'],
  when: ({ hasImage }) => hasImage,
  perform: () => setDisplay({ overlays: !getDisplay().overlays }),
};
