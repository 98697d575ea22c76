import { getDisplay, setDisplay } from '@/state/display';
import { enterMpr, leaveMpr } from '@/state/room';
import { looks } from '@/text/en-looks';
import type { Command } from '../command';
import type { ReadingContext } from './context';

/** Whatever has no regular grid has no volume either: the reason is that of the planes. */
export const layoutSolid: Command<ReadingContext> = {
  id: 'reading.layout-solid',
  name: looks.solid.command,
  group: 'layout',
  keys: ['Shift+d'],
  on: ({ room }) => room.mpr !== null && getDisplay().solid,
  when: () => true,
  whyNot: ({ room, noVolume }) => (room.mpr === null ? noVolume : null),
  perform: ({ room, volume, noVolume }) => {
    if (room.mpr === null && volume === null) {
      setDisplay({ refusal: looks.solid.refused(noVolume ?? '') });
      return;
    }
    if (room.mpr !== null && getDisplay().solid) {
      setDisplay({ solid: false });
      leaveMpr();
      return;
    }
    setDisplay({ solid: true });
    if (room.mpr === null && volume !== null) enterMpr(volume);
  },
};
