import { getDisplay, setDisplay } from '@/state/display';
import { looks } from '@/text/en-looks';
import type { Command } from '../command';
import type { ReadingContext } from './context';

/** Takes the upper corners' words off what may be burned into an image under them. */
export const toggleLabels: Command<ReadingContext> = {
  id: 'reading.toggle-labels',
  name: looks.labels,
  group: 'image',
  keys: ['Alt+t'],
  when: () => true,
  perform: () => setDisplay({ labels: !getDisplay().labels }),
};
