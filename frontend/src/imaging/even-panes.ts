import type { Point } from '@/domain/geometry';
import { type PaneView, paneControl } from './view-store';

type Size = Pick<PaneView, 'width' | 'height'>;

const isWithin = ([x, y]: Point, { width, height }: Size) =>
  x > 0 && y > 0 && x < width && y < height;

/**
 * Draws a point of the second pane's image where a point of the first one's is, turned
 * and mirrored like it and as large: of equal mm for a pixel. A point that the first pane
 * does not show comes to the middle of both.
 *
 * @param size of either pane, CSS pixels.
 * @param first in the image space of the first pane's image, `second` of the other's.
 */
export function makeEven(size: Size, first: Point, second: Point): void {
  const [a, b] = [paneControl(0), paneControl(1)];
  const [look, own] = [a?.look(), b?.look()];
  const spot = a?.spot(first);
  if (!look || !own || !spot) return;
  const middle: Point = [size.width / 2, size.height / 2];
  const seen = isWithin(spot.to, size) ? spot : { ...spot, to: middle };
  if (seen !== spot) a?.setSpot(first, seen);
  b?.setLook({ ...own, rotation: look.rotation, flipped: look.flipped });
  b?.setSpot(second, seen);
}
