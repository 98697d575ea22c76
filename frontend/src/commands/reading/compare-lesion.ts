import { pairAfter, pairsOf } from '@/domain/lesions';
import { getDisplay, showPair } from '@/state/display';
import { change } from '@/text/en-change';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const pairsIn = ({ room }: ReadingContext) => pairsOf(room.ai, room.activeFinding);

/** Again: the finding's next lesion. */
export const compareLesion: Command<ReadingContext> = {
  id: 'reading.compare-lesion',
  name: change.command,
  group: 'answer',
  keys: ['Shift+b'],
  when: (context) => pairsIn(context).length > 0,
  whyNot: (context) => (pairsIn(context).length > 0 ? null : change.noPair),
  perform: (context) => {
    const pair = pairAfter(pairsIn(context), getDisplay().pairShown);
    if (pair) showPair(pair);
  },
};
