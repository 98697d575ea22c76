import { groupCommands } from '@/commands/command';
import type { ReadingContext } from '@/commands/reading/context';
import { READING_COMMANDS } from '@/commands/reading-commands';

/** The commands that have a button, in the order of the list. */
export const GROUPS = groupCommands(READING_COMMANDS.filter((one) => one.toolbar));

/** Whether a finding has a shape on the images. */
export const hasMask = ({ findings }: ReadingContext) =>
  findings.some((finding) => finding.mask && finding.positive);

/** All of a context that the bar shows; the same words, the same bar. */
export function faceOf(context: ReadingContext): string {
  const { aiVisible, room, presets, view, modality } = context;
  const commands = GROUPS.flatMap((group) =>
    group.commands.map((one) => [
      one.when(context),
      one.on?.(context),
      one.whyNot?.(context),
    ]),
  );
  const rest = [aiVisible, room.ai?.visible, room.tool, hasMask(context), view === null];
  return JSON.stringify([commands, presets, modality, rest]);
}
