import { whyNoMap } from '@/domain/findings';
import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import { explained } from '@/text/en-explained';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const isThere = ({ findings }: ReadingContext) =>
  findings.some(({ saliency }) => saliency !== null);

/** Why there is none: of the finding in focus, else of the first that was to have one. */
function noMapWords({ findings, room }: ReadingContext): string {
  const inFocus = findings.filter(({ id }) => id === room.activeFinding);
  const [why] = [...inFocus, ...findings].flatMap((one) => whyNoMap(one) ?? []);
  return why ? explained.why(why) : text.room.noSaliency;
}

export const toggleSaliency: Command<ReadingContext> = {
  id: 'reading.toggle-saliency',
  name: text.commands.saliency,
  group: 'overlay',
  keys: ['h'],
  glyph: 'saliency',
  toolbar: true,
  hint: text.hints.saliency,
  on: ({ room }) => room.saliency,
  when: (context) => context.aiVisible && isThere(context),
  whyNot: (context) =>
    context.aiVisible && !isThere(context) ? noMapWords(context) : null,
  perform: ({ room }) => setRoom({ saliency: !room.saliency }),
};
