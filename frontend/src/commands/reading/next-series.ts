import { stepSeries } from '@/state/room';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const nextSeries: Command<ReadingContext> = {
  id: 'reading.next-series',
  name: display.nextSeries,
  group: 'layout',
  keys: ['PageDown'],
  when: ({ room, seriesIndices }) => room.mpr === null && seriesIndices.length > 1,
  perform: ({ seriesIndices }) => stepSeries(1, seriesIndices),
};
