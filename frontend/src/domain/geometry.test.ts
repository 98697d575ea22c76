import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  affineThrough,
  apply,
  boxAround,
  boxFrom,
  boxPoints,
  dragCorner,
  edgeLetters,
  imageToPatient,
  invert,
  lettersOf,
  moveBox,
  type Plane,
  patientToImage,
  pickScale,
  scaleOf,
  stepOnScreen,
} from './geometry';

const tilt = Math.SQRT1_2;
const OBLIQUE: Plane = {
  origin: [-120, 40, -300],
  row: [tilt, tilt, 0],
  column: [0, 0, -1],
  columnSpacing: 0.5,
  rowSpacing: 2,
};

const coordinate = fc.double({ min: -500, max: 500, noNaN: true });

describe('image and patient', () => {
  it('put the centre of the first pixel at the origin', () => {
    expect(imageToPatient(OBLIQUE, [0.5, 0.5])).toEqual([-120, 40, -300]);
  });
  it('use the spacing between columns along the row', () => {
    const [x, y, z] = imageToPatient(OBLIQUE, [2.5, 1.5]);
    expect([x, y, z]).toEqual(
      [-120 + tilt, 40 + tilt, -302].map((v) => expect.closeTo(v, 9)),
    );
  });
  it('are each other’s inverse on the plane', () => {
    fc.assert(
      fc.property(coordinate, coordinate, (x, y) => {
        const back = patientToImage(OBLIQUE, imageToPatient(OBLIQUE, [x, y]));
        expect(back[0]).toBeCloseTo(x, 6);
        expect(back[1]).toBeCloseTo(y, 6);
      }),
    );
  });
});

describe('image and canvas', () => {
  const matrix = affineThrough([10, 20], [10, 22], [7, 20]);
  it('invert each other, turned and mirrored too', () => {
    const back = invert(matrix);
    expect(back).not.toBeNull();
    if (!back) return;
    const [x, y] = apply(back, apply(matrix, [3, 8]));
    expect(x).toBeCloseTo(3);
    expect(y).toBeCloseTo(8);
    expect(scaleOf(matrix)).toBeCloseTo(Math.sqrt(6));
  });
  it('refuse a flat map', () => {
    expect(invert(affineThrough([0, 0], [1, 1], [2, 2]))).toBeNull();
  });
});

describe('boxes', () => {
  it('are put in order and cut to the image', () => {
    expect(boxFrom([50, -4], [20, 130], 100, 120)).toEqual({
      x0: 20,
      y0: 0,
      x1: 50,
      y1: 120,
    });
  });
  it('keep their size when moved against the edge', () => {
    const box = { x0: 10, y0: 10, x1: 30, y1: 20 };
    expect(moveBox(box, [-50, 200], 100, 100)).toEqual({
      x0: 0,
      y0: 90,
      x1: 20,
      y1: 100,
    });
  });
  it('turn over when a corner is dragged past the other', () => {
    const box = { x0: 10, y0: 10, x1: 30, y1: 20 };
    expect(dragCorner(box, 'se', [2, 4], 100, 100)).toEqual({
      x0: 2,
      y0: 4,
      x1: 10,
      y1: 10,
    });
  });
  it('come back from their stored points', () => {
    const box = { x0: 1.5, y0: 2.25, x1: 7, y1: 9 };
    expect(boxAround(boxPoints(box))).toEqual(box);
    expect(boxAround([[1, 1]])).toBeNull();
  });
});

describe('orientation', () => {
  it('is worded from the direction, strongest first', () => {
    expect(lettersOf([1, 0, 0])).toBe('L');
    expect(lettersOf([0.6, 0.8, 0])).toBe('PL');
    expect(lettersOf([0, -1, 0])).toBe('A');
    expect(lettersOf([0, 0, -1])).toBe('F');
  });
  const plain = affineThrough([0, 0], [2, 0], [0, 2]);
  const turned = affineThrough([0, 0], [0, 2], [-2, 0]);
  const mirrored = affineThrough([0, 0], [-2, 0], [0, 2]);
  it('stands at the right edges of an axial image', () => {
    expect(edgeLetters('L', 'P', plain)).toEqual({
      right: 'L',
      left: 'R',
      bottom: 'P',
      top: 'A',
    });
  });
  it('follows turning and mirroring', () => {
    expect(edgeLetters('L', 'P', turned)).toEqual({
      right: 'A',
      left: 'P',
      bottom: 'L',
      top: 'R',
    });
    expect(edgeLetters('L', 'P', mirrored).right).toBe('R');
  });
});

describe('the scale bar', () => {
  it('takes the longest round length that fits', () => {
    expect(pickScale(0.5, 130)).toEqual({ mm: 50, pixels: 100 });
    expect(pickScale(0, 100)).toBeNull();
  });
});

describe('a step by keys', () => {
  const plain = { a: 2, b: 0, c: 0, d: 3, e: 5, f: 7 };
  it('is the image’s own where it hangs as it was stored', () => {
    expect(stepOnScreen(plain, [1, 0])).toEqual([1, 0]);
    expect(stepOnScreen(plain, [0, -1])).toEqual([0, -1]);
  });
  it.each([
    ['mirrored', { ...plain, a: -2 }],
    ['upside down', { ...plain, d: -3 }],
    ['a quarter turned', { ...plain, a: 0, b: 2, c: -3, d: 0 }],
    ['turned and mirrored', { ...plain, a: 0, b: -2, c: -3, d: 0 }],
  ])('goes on the screen where it was asked to go: %s', (_, matrix) => {
    for (const by of [
      [1, 0],
      [-1, 0],
      [0, 1],
      [0, -1],
    ] as const) {
      const zero = apply(matrix, [0, 0]);
      const there = apply(matrix, stepOnScreen(matrix, by));
      const moved = [there[0] - zero[0], there[1] - zero[1]] as const;
      expect(moved[0] * by[0] + moved[1] * by[1]).toBeGreaterThan(0);
    }
  });
});
