import { describe, expect, it } from 'vitest';
import type { Place, SegmentFrame, ValueMap } from './foreign';
import { colourValues, scaleColour, sightOfMap, valuesAt, valuesOn } from './parametric';

const frame = (z: number, change: Partial<SegmentFrame> = {}): SegmentFrame => ({
  sop_uid: '',
  frame: 1,
  origin: [0, 0, z],
  row: [1, 0, 0],
  column: [0, 1, 0],
  row_spacing: 2,
  column_spacing: 2,
  ...change,
});

const map = (frames: readonly SegmentFrame[]): ValueMap => ({
  number: 1,
  rows: 4,
  columns: 5,
  frames,
  frame_of_reference_uid: '1.2',
  unit: { scheme: 'UCUM', code: 'mm2/s', display: 'mm2/s' },
  least: 0,
  most: 1,
  low: 0,
  high: 1,
});

/** A map whose value is 3x + 5y + 7z of its place, mm. */
function linear(frames: readonly SegmentFrame[]): Float32Array {
  return Float32Array.from({ length: frames.length * 20 }, (_, at) => {
    const one = frames[Math.floor(at / 20)];
    const [x = 0, y = 0, z = 0] = one?.origin ?? [];
    return 3 * (x + 2 * (at % 5)) + 5 * (y + 2 * Math.floor((at % 20) / 5)) + 7 * z;
  });
}

const lattice = (origin: readonly [number, number, number]) =>
  ({ origin, right: [1, 0, 0], down: [0, 1, 0], columns: 8, rows: 6 }) as const;

describe('values of a map', () => {
  const frames = [frame(10), frame(0), frame(5)];
  const values = linear(frames);

  it('are linear between its pixels and frames, in whatever order these are', () => {
    const found = valuesAt(map(frames), values, lattice([0, 0, 3]));
    for (let at = 0; at < 48; at += 1) {
      const [x, y] = [at % 8, Math.floor(at / 8)];
      expect(found?.[at]).toBeCloseTo(3 * x + 5 * y + 21, 3);
    }
  });

  it('are those of a plane across its frames, too', () => {
    const target = {
      origin: [2, 1, 0],
      right: [1, 0, 0],
      down: [0, 0, 2],
      columns: 4,
      rows: 6,
    } as const;
    const found = valuesAt(map(frames), values, target);
    expect(found?.[1 + 4 * 5]).toBeCloseTo(9 + 5 + 70, 3);
  });

  it('end half a frame beyond the outermost, and half a pixel beyond the edge', () => {
    expect(valuesAt(map(frames), values, lattice([0, 0, 12.4]))?.[0]).toBeCloseTo(70);
    expect(valuesAt(map(frames), values, lattice([0, 0, 12.6]))).toBeNull();
    const beside = valuesAt(map(frames), values, lattice([-2, 0, 0]));
    expect([...(beside?.slice(0, 3) ?? [])]).toEqual([Number.NaN, 0, 0]);
  });

  it('are not made up across a gap between frames', () => {
    const apart = [frame(0), frame(5), frame(20), frame(25)];
    expect(valuesAt(map(apart), linear(apart), lattice([0, 0, 12]))).toBeNull();
    expect(valuesAt(map(apart), linear(apart), lattice([0, 0, 19]))?.[0]).toBeCloseTo(
      140,
    );
  });

  it('leave out what has no value', () => {
    const holed = Float32Array.from(values);
    holed[20] = Number.NaN;
    const found = valuesAt(map(frames), holed, lattice([0, 0, 0]));
    expect(found?.[0]).toBeNaN();
    expect(found?.[2]).toBeCloseTo(6);
  });
});

const image = (change: Partial<Place>): Place => ({
  sopUid: '9.1',
  frame: 1,
  rows: 4,
  columns: 5,
  plane: {
    origin: [0, 0, 5],
    row: [1, 0, 0],
    column: [0, 1, 0],
    rowSpacing: 2,
    columnSpacing: 2,
  },
  placed: true,
  frameOfReference: '1.2',
  ...change,
});

describe('a map on an image', () => {
  const frames = [frame(0), frame(5), frame(10)];
  const values = linear(frames);

  it('is drawn in the same frame of reference only', () => {
    expect(valuesOn(map(frames), values, image({}), 2.5)?.values[6]).toBeCloseTo(51);
    const other = image({ frameOfReference: '1.3' });
    expect(valuesOn(map(frames), values, other, 2.5)).toBeNull();
    expect(sightOfMap({ map: map(frames) } as never, [other])).toBeNull();
    expect(sightOfMap({ map: map(frames) } as never, [image({})])?.sopUid).toBe('9.1');
  });

  it('without a place goes by the frame that names it and has its pixels', () => {
    const named = [
      frame(0, { origin: null }),
      frame(0, { origin: null, sop_uid: '9.1' }),
    ];
    const film = image({ placed: false, frameOfReference: null });
    const own = Float32Array.from({ length: 40 }, (_, at) => at);
    expect(valuesOn(map(named), own, film, 0.5)?.values[0]).toBe(20);
    const larger = image({ ...film, rows: 8, placed: false, frameOfReference: null });
    expect(valuesOn(map(named), own, larger, 0.5)).toBeNull();
  });

  it('of very many pixels is computed at every few of them, in the same places', () => {
    const plane = { ...image({}).plane, rowSpacing: 0.008, columnSpacing: 0.008 };
    const large = image({ rows: 1000, columns: 1000, plane });
    const found = valuesOn(map(frames), values, large, 2.5);
    expect(found?.step).toBe(2);
    expect(found?.columns).toBe(500);
    // The middle of pixels (400, 200) and (401, 201), in mm.
    const at = 200 + 100 * 500;
    expect(found?.values[at]).toBeCloseTo(3 * 3.204 + 5 * 1.604 + 35, 3);
  });
});

describe('colours', () => {
  const look = { low: 10, high: 20, opacity: 1, scale: 'grey' } as const;

  it('stand for the range; below it nothing is drawn', () => {
    const rgba = colourValues(Float32Array.of(Number.NaN, 9.9, 10, 15, 20, 99), look);
    expect([...rgba.filter((_, at) => at % 4 === 3)]).toEqual([0, 0, 255, 255, 255, 255]);
    expect([...rgba.filter((_, at) => at % 4 === 0)]).toEqual([0, 0, 0, 128, 255, 255]);
  });

  it('begin and end as the scale says', () => {
    expect(scaleColour('viridis', -1)).toEqual([68, 1, 84]);
    expect(scaleColour('viridis', 2)).toEqual([253, 231, 37]);
  });
});
