import { describe, expect, it } from 'vitest';
import { planeAt, type Slices, slabOf } from './slab';

/** Two columns, three rows, four slices; a voxel's value says where it is. */
const at = (x: number, y: number, z: number) => 100 * z + 10 * y + x;
const slice = (z: number) =>
  Int16Array.from([0, 1, 2].flatMap((y) => [0, 1].map((x) => at(x, y, z))));
const whole: Slices = { size: [2, 3, 4], slice };

describe('planes of a volume', () => {
  it('lie along each axis', () => {
    expect(planeAt(whole, 2, 3)).toEqual({ data: slice(3), columns: 2, rows: 3 });
    expect([...(planeAt(whole, 1, 2)?.data ?? [])]).toEqual([
      20, 21, 120, 121, 220, 221, 320, 321,
    ]);
    const sagittal = planeAt(whole, 0, 1);
    expect([sagittal?.columns, sagittal?.rows]).toEqual([3, 4]);
    expect([...(sagittal?.data ?? [])].slice(0, 6)).toEqual([1, 11, 21, 101, 111, 121]);
  });

  it('are black where slices have not come, and nothing while none has', () => {
    const part: Slices = { ...whole, slice: (z) => (z === 1 ? slice(1) : null) };
    expect([...(planeAt(part, 1, 0)?.data ?? [])].slice(0, 4)).toEqual([
      -32_768, -32_768, 100, 101,
    ]);
    expect(planeAt(part, 2, 0)).toBeNull();
    expect(planeAt({ ...whole, slice: () => null }, 0, 0)).toBeNull();
  });

  it('are seen through as the greatest, the least and the mean', () => {
    const of = (depth: 'most' | 'least' | 'mean') =>
      [...(slabOf(whole, 2, [1, 3], depth)?.data ?? [])].slice(0, 2);
    expect(of('most')).toEqual([300, 301]);
    expect(of('least')).toEqual([100, 101]);
    expect(of('mean')).toEqual([200, 201]);
  });

  it('end at the volume, and leave out what has not come', () => {
    expect([...(slabOf(whole, 2, [-4, 0], 'mean')?.data ?? [])]).toEqual([...slice(0)]);
    const part: Slices = { ...whole, slice: (z) => (z === 2 ? null : slice(z)) };
    expect([...(slabOf(part, 2, [1, 3], 'mean')?.data ?? [])][0]).toBe(200);
  });
});
