import { describe, expect, it } from 'vitest';
import { type ScaledRegion, scaleAt, sharedSpacing, whyNoScale } from './regions';

const spacing = { column: 0.2, row: 0.1 };
const image: ScaledRegion = { x0: 0, y0: 0, x1: 99, y1: 49, spacing, priority: 1 };
const zoomed = { ...image, y0: 50, y1: 99, spacing: { column: 0.1, row: 0.1 } };
const curve = { ...image, y0: 100, y1: 149, spacing: null };
const scale = {
  column: 1,
  row: 1,
  source: 'none' as const,
  regions: [image, zoomed, curve],
};

describe('the scale of a region', () => {
  it('holds between points that lie in it, its edges included', () => {
    const points = [
      [0, 0],
      [100, 50],
    ] as const;
    expect(scaleAt(points, scale)).toEqual({ ...spacing, source: 'patient' });
    expect(scaleAt([[3, 60]], scale)).toMatchObject({ column: 0.1 });
  });
  it('is none across regions, outside of all, and where axes are no lengths', () => {
    const across = [
      [10, 10],
      [10, 70],
    ] as const;
    for (const [points, why] of [
      [across, 'outside'],
      [[[150, 10]], 'outside'],
      [[[10, 120]], 'axes'],
    ] as const) {
      expect(scaleAt(points, scale)).toEqual({ column: 1, row: 1, source: 'none' });
      expect(whyNoScale(points, scale)).toBe(why);
    }
  });
  it('is that of the higher one where regions overlap, none of two that differ', () => {
    const small = { ...zoomed, x0: 10, y0: 10, x1: 20, y1: 20 };
    const both = { ...scale, regions: [image, small] };
    expect(whyNoScale([[15, 15]], both)).toBe('overlap');
    const above = { ...scale, regions: [{ ...image, priority: 0 }, small] };
    expect(scaleAt([[15, 15]], above)).toMatchObject({ column: 0.1 });
    expect(scaleAt([[30, 15]], above)).toMatchObject({ column: 0.2 });
  });
  it('is the whole image’s where there are no regions', () => {
    const { regions: _, ...plain } = scale;
    expect(scaleAt([[500, 500]], plain)).toBe(plain);
    expect(sharedSpacing([image, { ...zoomed, spacing }])).toEqual(spacing);
    expect(sharedSpacing([image, zoomed])).toBeNull();
  });
});
