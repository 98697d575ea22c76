import { setPaneFps, useCine } from '@/state/cine';
import { text } from '@/text/en';
import type { Command } from '../command';
import type { ReadingContext } from './context';

export const cineFaster: Command<ReadingContext> = {
  id: 'reading.cine-faster',
  name: text.cine.faster,
  group: 'image',
  keys: ['.'],
  when: ({ room }) => useCine.getState().fps[room.activePane] !== undefined,
  perform: ({ room: { activePane } }) => {
    const fps = useCine.getState().fps[activePane];
    if (fps !== undefined) setPaneFps(activePane, fps + (fps >= 10 ? 5 : 1));
  },
};
