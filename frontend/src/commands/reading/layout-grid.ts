import { getDisplay, setDisplay } from '@/state/display';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const layoutGrid: Command<ReadingContext> = {
  id: 'reading.layout-grid',
  name: display.grid.name,
  group: 'layout',
  keys: ['g'],
  when: () => true,
  perform: () => setDisplay({ gridPicker: !getDisplay().gridPicker }),
};
