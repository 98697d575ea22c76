import { getDisplay, setDisplay } from '@/state/display';
import { enterMpr, leaveMpr } from '@/state/room';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const layoutMpr: Command<ReadingContext> = {
  id: 'reading.layout-mpr',
  name: text.commands.layoutMpr,
  group: 'layout',
  keys: ['d'],
  glyph: 'planes',
  toolbar: true,
  on: ({ room }) => room.mpr !== null,
  when: ({ room, volume }) => room.mpr !== null || volume !== null,
  whyNot: ({ room, noVolume }) => (room.mpr === null ? noVolume : null),
  perform: ({ room, volume }) => {
    if (room.mpr !== null && getDisplay().solid) setDisplay({ solid: false });
    else if (room.mpr !== null) leaveMpr();
    else if (volume !== null) enterMpr(volume);
  },
};
