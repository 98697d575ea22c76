import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const isThere = ({ findings }: ReadingContext) =>
  findings.some(({ saliency }) => saliency !== null);

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
    context.aiVisible && !isThere(context) ? text.room.noSaliency : null,
  perform: ({ room }) => setRoom({ saliency: !room.saliency }),
};
