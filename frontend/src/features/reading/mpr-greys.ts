import { windowBy } from '@/domain/windows';
import { voiOf } from '@/imaging/dataset';
import type { MprPaneProps } from '@/imaging/mpr-pane';
import type { Stack } from '@/imaging/pack';
import { uptakeRange } from '@/imaging/uptake';
import { useViews } from '@/imaging/view-store';
import { tonesOf } from '@/imaging/voi-curve';
import { getRoom } from '@/state/room';

/** How planes become grey, and what they begin with. */
export type Greys = Pick<MprPaneProps, 'tones' | 'stated' | 'home' | 'look'>;

/** The pane of the stack that shows a series, the active one first. */
export function paneOf(uid: string) {
  const { panes } = useViews.getState();
  const { activePane } = getRoom();
  return [panes[activePane], ...Object.values(panes)].find(
    (one) => one?.view?.uid === uid,
  )?.view;
}

/** How the planes become grey: as the images say, and as the stack was looked at. */
export function greysOf(stack: Stack): Greys {
  const tones = tonesOf(stack.images);
  const middle = stack.images[stack.images.length >> 1];
  const { centers, widths } = voiOf(middle?.dataset ?? {});
  const [level, width] = [centers[0], widths[0]];
  const stated = level === undefined || width === undefined ? null : { level, width };
  const isUptake = stack.modality === 'PT';
  const { upper, suv } = uptakeRange(stack);
  const window =
    isUptake && suv !== null ? windowBy(tones.by, { lower: 0, upper }) : null;
  const home = { window, inverted: isUptake };
  const { window: shown, inverted } = paneOf(stack.uid) ?? home;
  return { tones, stated, home, look: { window: shown, inverted } };
}
