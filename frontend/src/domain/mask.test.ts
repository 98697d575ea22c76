import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  framesOf,
  type Mask,
  outlineOf,
  type Patch,
  partsIn,
  patchIn,
  patchOn,
  readMask,
} from './mask';
import { type Grid, viewsOf } from './volume';

const ROWS = 6;
const COLUMNS = 8;
const SOPS = ['a', 'b', 'c', 'd', 'e'];

function maskOf(voxels: readonly (readonly [number, number, number])[]): Mask {
  const bytes = new Uint8Array(ROWS * COLUMNS * SOPS.length);
  for (const [i, j, k] of voxels) bytes[(k * ROWS + j) * COLUMNS + i] = 1;
  return readMask(bytes, { sop_uids: SOPS, rows: ROWS, columns: COLUMNS });
}

/** The area that an SVG path of closed lines encloses, by the shoelace formula. */
function areaOf(path: string): number {
  const loops = path.split('Z').filter(Boolean);
  return loops.reduce((sum, loop) => {
    const points = loop
      .slice(1)
      .split('L')
      .map((point) => point.split(' ').map(Number));
    return (
      sum +
      points.reduce((area, [x = 0, y = 0], at) => {
        const [x2 = 0, y2 = 0] = points[(at + 1) % points.length] ?? [];
        return area + (x * y2 - x2 * y) / 2;
      }, 0)
    );
  }, 0);
}

const GRID: Grid = {
  origin: [0, 0, 0],
  steps: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 2],
  ],
  size: [COLUMNS, ROWS, SOPS.length],
  // The series runs from head to feet, the grid from feet to head.
  order: [4, 3, 2, 1, 0],
};

describe('a mask', () => {
  it('keeps what it holds and knows its middle', () => {
    const mask = maskOf([
      [2, 1, 1],
      [2, 1, 2],
      [3, 1, 2],
      [4, 1, 2],
      [3, 5, 3],
    ]);
    expect(mask.box).toEqual({ from: [2, 1, 1], to: [4, 5, 3] });
    expect(mask.centre).toEqual({ frame: 2, column: 3, row: 1 });
    expect(patchOn(mask, 'a')).toBeNull();
    expect(patchOn(mask, 'zz')).toBeNull();
    const on = patchOn(mask, 'c');
    expect(on).toMatchObject({ x: 2, y: 1, width: 3, height: 5 });
    expect([...(on?.pixels ?? [])].slice(0, 3)).toEqual([1, 1, 1]);
  });
  it('may be empty, but not of another size', () => {
    expect(maskOf([])).toMatchObject({ box: null, centre: null });
    expect(patchOn(maskOf([]), 'a')).toBeNull();
    expect(() =>
      readMask(new Uint8Array(3), { sop_uids: ['a'], rows: 2, columns: 2 }),
    ).toThrow('size');
  });
});

describe('a mask in three planes', () => {
  it('finds each voxel where the grid has it, whatever the order of the frames', () => {
    const voxel = fc.tuple(fc.nat(COLUMNS - 1), fc.nat(ROWS - 1), fc.nat(4));
    fc.assert(
      fc.property(fc.array(voxel, { minLength: 1, maxLength: 12 }), (voxels) => {
        const mask = maskOf(voxels);
        const frames = framesOf(mask, GRID, SOPS);
        for (const [i, j, frame] of voxels) {
          const index = [i, j, 4 - frame] as const;
          for (const view of Object.values(viewsOf(GRID))) {
            const patch = patchIn(mask, frames, view, index[view.through]);
            const x = index[view.across] - (patch?.x ?? 0);
            const y = index[view.down] - (patch?.y ?? 0);
            expect(patch?.pixels[y * (patch?.width ?? 0) + x]).toBe(1);
          }
        }
        const { axial } = viewsOf(GRID);
        const inPlanes = frames.reduce((sum, _, k) => {
          const patch = patchIn(mask, frames, axial, k);
          return sum + (patch?.pixels.reduce((n, one) => n + one, 0) ?? 0);
        }, 0);
        expect(inPlanes).toBe(mask.voxels.reduce((n, one) => n + one, 0));
      }),
    );
  });
});

describe('an outline', () => {
  const patch = (rows: readonly string[], x = 0, y = 0): Patch => ({
    x,
    y,
    width: rows[0]?.length ?? 0,
    height: rows.length,
    pixels: Uint8Array.from([...rows.join('')].map(Number)),
  });
  it('goes along the edges of pixels, straight lines in one', () => {
    expect(outlineOf(patch(['11', '11'], 5, 7))).toBe('M5 7L7 7L7 9L5 9Z');
    expect(outlineOf(patch(['00']))).toBe('');
  });
  it('encloses exactly the pixels, holes left out', () => {
    expect(areaOf(outlineOf(patch(['111', '101', '111'])))).toBe(8);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 30, maxLength: 30 }),
        (bits) => {
          const one: Patch = {
            x: 2,
            y: 3,
            width: 6,
            height: 5,
            pixels: Uint8Array.from(bits),
          };
          expect(areaOf(outlineOf(one))).toBe(bits.reduce((sum, n) => sum + n, 0));
        },
      ),
    );
  });
});

describe('a fractional mask', () => {
  // Two frames of 2 rows and 3 columns; the grid has them in the other order, one between.
  const values = Uint8Array.from([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]);
  const parts = { rows: 2, columns: 3, values };
  const grid = { size: [3, 2, 3] as const };
  const cut = (through: 0 | 1 | 2, across: 0 | 1 | 2, down: 0 | 1 | 2, at: number) => {
    const found = partsIn(parts, [1, -1, 0], grid, { through, across, down }, at);
    return found && [found.columns, found.rows, ...found.values];
  };
  it('is cut by planes voxel by voxel', () => {
    expect(cut(2, 0, 1, 2)).toEqual([3, 2, 0, 10, 20, 30, 40, 50]);
    expect(cut(1, 0, 2, 1)).toEqual([3, 3, 90, 100, 110, 0, 0, 0, 30, 40, 50]);
    expect(cut(0, 1, 2, 0)).toEqual([2, 3, 60, 90, 0, 0, 0, 30]);
  });
  it('is nothing where it holds nothing', () => {
    expect(cut(2, 0, 1, 1)).toBeNull();
  });
});
