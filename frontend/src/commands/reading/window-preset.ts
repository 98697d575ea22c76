import { text } from '@/text/en';
import { display } from '@/text/en-display';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const MOST = 8;

const image: Command<ReadingContext> = {
  id: 'reading.window-image',
  name: text.commands.windowImage,
  group: 'window',
  keys: ['Alt+0'],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.window(null),
};

/** The n-th preset of what the portal offers for the modality and region. */
function preset(n: number): Command<ReadingContext> {
  return {
    id: `reading.window-${n + 1}`,
    name: display.windowPreset(n + 1),
    group: 'window',
    keys: [`Alt+${n + 1}`],
    when: ({ view, presets }) => view !== null && presets[n] !== undefined,
    perform: ({ view, presets }) => {
      if (presets[n]) view?.window(presets[n]);
    },
  };
}

/** The image's own window, and one command for each place in the list of presets. */
export const windowImage = image;
export const windowPresetCommands: readonly Command<ReadingContext>[] = [
  image,
  ...Array.from({ length: MOST }, (_, n) => preset(n)),
];
