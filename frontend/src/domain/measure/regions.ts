/**
 * Scales that hold in a part of an image only, as those of ultrasound do
 * (PS3.3 C.8.5.5, Sequence of Ultrasound Regions).
 */
import type { Point } from '../geometry';
import type { Scale } from './kinds';

export interface ScaledRegion {
  /** First and last column and row, both inside. */
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  /** mm between columns and rows; null: its axes are no lengths. */
  readonly spacing: { readonly column: number; readonly row: number } | null;
  /** Where regions overlap, those of the higher one count. */
  readonly priority: number;
}

/** Why places in an image with regions have no scale. */
export type NoScale = 'outside' | 'axes' | 'overlap';

/** Edges are inside: image space counts from corners of pixels. */
const holds = ({ x0, y0, x1, y1 }: ScaledRegion, [x, y]: Point) =>
  x >= x0 && x <= x1 + 1 && y >= y0 && y <= y1 + 1;

const NEAR = 1e-3;
const near = (a: number, b: number) => Math.abs(a - b) <= NEAR * Math.abs(b);

/** The one spacing that regions have; null when one has none or they differ. */
export function sharedSpacing(regions: readonly ScaledRegion[]): ScaledRegion['spacing'] {
  const [first] = regions;
  const one = first?.spacing ?? null;
  const same = regions.every(
    ({ spacing }) =>
      one && spacing && near(spacing.column, one.column) && near(spacing.row, one.row),
  );
  return same ? one : null;
}

/** The scale of what is drawn between points that one region holds; or why there is none. */
export function spacingAt(
  points: readonly Point[],
  regions: readonly ScaledRegion[],
): ScaledRegion['spacing'] | NoScale {
  const around = regions.filter((region) => points.every((one) => holds(region, one)));
  if (around.length === 0) return 'outside';
  const highest = Math.max(...around.map(({ priority }) => priority));
  const top = around.filter(({ priority }) => priority === highest);
  if (top.every(({ spacing }) => spacing === null)) return 'axes';
  return sharedSpacing(top) ?? 'overlap';
}

/** The scale that holds for points of an image: its own, or that of their region. */
export function scaleAt(points: readonly Point[], scale: Scale): Scale {
  const { regions } = scale;
  if (!regions || points.length === 0) return scale;
  const found = spacingAt(points, regions);
  return found === null || typeof found === 'string'
    ? { column: 1, row: 1, source: 'none' }
    : { ...found, source: 'patient' };
}

/** Why points have no scale, in an image whose regions have some; null: they have one. */
export function whyNoScale(points: readonly Point[], scale: Scale): NoScale | null {
  const found = scale.regions ? spacingAt(points, scale.regions) : null;
  return typeof found === 'string' ? found : null;
}
