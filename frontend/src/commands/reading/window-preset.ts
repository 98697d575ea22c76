import { presetsFor } from '@/domain/windows';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

const image: Command<ReadingContext> = {
  id: 'reading.window-image',
  name: text.commands.windowImage,
  group: 'window',
  keys: ['Alt+0'],
  when: ({ view }) => view !== null,
  perform: ({ view }) => view?.window(null),
};

/** One command a window preset of the modality, and the image's own window. */
export const windowPresetCommands: readonly Command<ReadingContext>[] = [
  image,
  ...presetsFor('CT').map(
    (preset, index): Command<ReadingContext> => ({
      id: `reading.window-${preset.id}`,
      name: text.commands.windowPreset(text.presets[preset.id]),
      group: 'window',
      keys: [`Alt+${index + 1}`],
      when: ({ view, modality }) =>
        view !== null && presetsFor(modality).some((one) => one.id === preset.id),
      perform: ({ view }) => view?.window(preset),
    }),
  ),
];
