import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Vector } from './geometry';
import {
  cameraOf,
  type Grid,
  gridOf,
  isGrid,
  lettersAt,
  nearestVoxel,
  numberOf,
  type Slice,
  viewsOf,
  voxelAt,
  wayOf,
  worldOf,
} from './volume';

const slice = (z: number, change: Partial<Slice> & { origin?: Vector } = {}): Slice => ({
  plane: {
    origin: change.origin ?? [-100, -120, z],
    row: [1, 0, 0],
    column: [0, 1, 0],
    columnSpacing: 0.7,
    rowSpacing: 0.8,
  },
  placed: true,
  rows: 512,
  columns: 500,
  frameOfReference: '1.2',
  colour: false,
  ...change,
});

const stack = (n = 20, step = 2.5) =>
  Array.from({ length: n }, (_, k) => slice(k * step));

function grid(slices: readonly Slice[]): Grid {
  const result = gridOf(slices);
  if (!isGrid(result)) throw new Error(result.kind);
  return result;
}

describe('a regular series', () => {
  it('is a grid, whatever the order of its images', () => {
    const turned = grid(stack().reverse());
    expect(turned.size).toEqual([500, 512, 20]);
    expect(turned.steps[0]).toEqual([0.7, 0, 0]);
    expect(turned.steps[2][2]).toBeCloseTo(2.5);
    expect(turned.origin).toEqual([-100, -120, 0]);
    expect(turned.order[0]).toBe(19);
  });
  it('takes voxels to the patient and back', () => {
    const g = grid(stack());
    fc.assert(
      fc.property(fc.nat(499), fc.nat(511), fc.nat(19), (i, j, k) => {
        const back = voxelAt(g, worldOf(g, [i, j, k]));
        back.forEach((n, axis) => {
          expect(n).toBeCloseTo([i, j, k][axis] ?? 0, 6);
        });
      }),
    );
    expect(nearestVoxel(g, [-3, 511.6, 7.4])).toEqual([0, 511, 7]);
  });
  it('may wobble as scanners write it', () => {
    const wobbling = stack().map((one, k) => slice(k * 2.5 + (k % 2) * 0.01, one));
    expect(isGrid(gridOf(wobbling))).toBe(true);
  });
});

describe('a series that is no volume', () => {
  const kind = (slices: readonly Slice[]) => {
    const result = gridOf(slices);
    return isGrid(result) ? 'grid' : result.kind;
  };
  it('says in which way', () => {
    expect(kind(stack(4))).toBe('few');
    expect(kind(stack().map((one) => ({ ...one, placed: false })))).toBe('unplaced');
    expect(kind(stack().map((one) => ({ ...one, colour: true })))).toBe('colour');
    expect(kind([...stack(), slice(50, { rows: 256 })])).toBe('unlike');
    expect(kind([...stack(), slice(50, { frameOfReference: '9' })])).toBe('unlike');
    expect(kind([...stack(), slice(10)])).toBe('twice');
    expect(kind(stack().filter((_, k) => k !== 7))).toBe('gaps');
    expect(kind(stack(3000, 0.2))).toBe('large');
  });
  it('sees a tilted gantry', () => {
    const tilt = (15 * Math.PI) / 180;
    const tilted = Array.from({ length: 20 }, (_, k) =>
      slice(0, { origin: [0, k * 5 * Math.tan(tilt), k * 5] }),
    );
    const result = gridOf(tilted);
    expect(result).toMatchObject({ kind: 'tilt' });
    if (!isGrid(result) && result.kind === 'tilt') {
      expect(result.degrees).toBeCloseTo(15, 3);
    }
  });
  it('sees a localiser of three directions', () => {
    const plane = { ...slice(0).plane, row: [0, 1, 0], column: [0, 0, -1] } as const;
    expect(kind([...stack(6), slice(0, { plane })])).toBe('turned');
  });
});

describe('the three views', () => {
  it('hang an axial series as radiologists do', () => {
    const views = viewsOf(grid(stack()));
    expect(views.axial).toMatchObject({ through: 2, across: 0, down: 1, degreesOff: 0 });
    expect(cameraOf(views.axial)).toEqual({ normal: [0, 0, -1], up: [-0, -1, -0] });
    expect(views.coronal).toMatchObject({ through: 1, across: 0, down: 2 });
    expect(views.sagittal).toMatchObject({ through: 0, across: 1, down: 2 });
    expect(lettersAt(views.axial.right, views.axial.below)).toEqual({
      right: 'L',
      left: 'R',
      top: 'A',
      bottom: 'P',
    });
    expect(lettersAt(views.coronal.right, views.coronal.below).top).toBe('H');
    expect(lettersAt(views.sagittal.right, views.sagittal.below).right).toBe('P');
  });
  it('count into the screen, acquired slices as in the stack', () => {
    const g = grid(stack());
    const { axial, coronal, sagittal } = viewsOf(g);
    expect([axial, coronal, sagittal].map((view) => wayOf(g, view))).toEqual([1, 1, -1]);
    expect(numberOf(g, axial, 4)).toBe(5);
    expect(numberOf(g, sagittal, 499)).toBe(1);
    const back = grid([...stack()].reverse());
    expect(wayOf(back, viewsOf(back).axial)).toBe(-1);
    expect(numberOf(back, viewsOf(back).axial, (back.size[2] ?? 0) - 1)).toBe(1);
  });
  it('hang a sagittal series the same way', () => {
    const sagittal = Array.from({ length: 20 }, (_, k) =>
      slice(0, {
        plane: {
          origin: [k * 3, -50, 90],
          row: [0, 1, 0],
          column: [0, 0, -1],
          columnSpacing: 1,
          rowSpacing: 1,
        },
      }),
    );
    const views = viewsOf(grid(sagittal));
    expect(views.sagittal).toMatchObject({ through: 2, across: 0, down: 1 });
    expect(views.axial).toMatchObject({ through: 1, across: 2, down: 0 });
    expect(lettersAt(views.axial.right, views.axial.below)).toMatchObject({
      right: 'L',
      top: 'A',
    });
  });
  it('follow an oblique series and say how far it is turned', () => {
    const angle = (20 * Math.PI) / 180;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const oblique = Array.from({ length: 12 }, (_, k) =>
      slice(0, {
        plane: {
          origin: [0, -s * 3 * k, c * 3 * k],
          row: [1, 0, 0],
          column: [0, c, s],
          columnSpacing: 0.5,
          rowSpacing: 0.5,
        },
      }),
    );
    const views = viewsOf(grid(oblique));
    expect(views.axial.through).toBe(2);
    expect(views.axial.degreesOff).toBeCloseTo(20, 6);
    expect(views.sagittal.degreesOff).toBeCloseTo(0, 6);
    expect(lettersAt(views.axial.right, views.axial.below).bottom).toBe('PH');
  });
});
