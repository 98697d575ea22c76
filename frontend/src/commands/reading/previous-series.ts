import { stepSeries } from '@/state/room';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const previousSeries: Command<ReadingContext> = {
  id: 'reading.previous-series',
  name: display.previousSeries,
  group: 'layout',
  keys: ['PageUp'],
  when: ({ room, seriesIndices }) => room.mpr === null && seriesIndices.length > 1,
  perform: ({ seriesIndices }) => stepSeries(-1, seriesIndices),
};
