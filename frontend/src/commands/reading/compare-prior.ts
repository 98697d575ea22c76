import { setDisplay } from '@/state/display';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const comparePrior: Command<ReadingContext> = {
  id: 'reading.compare-prior',
  name: display.priors.command,
  group: 'layout',
  keys: ['Alt+c'],
  when: ({ priors }) => priors,
  whyNot: ({ priors }) => (priors ? null : display.priors.noPrior),
  perform: () => setDisplay({ compare: true }),
};
