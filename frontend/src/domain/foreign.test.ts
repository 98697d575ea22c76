import { describe, expect, it } from 'vitest';
import {
  type ForeignItem,
  type ForeignMark,
  type ForeignSegment,
  framesOn,
  keysOf,
  nameOf,
  type Place,
  presentationFor,
  reachOf,
  type Shape,
  shapesIn,
  shapesOn,
  sightOf,
} from './foreign';
import { imageToPatient, type Vector } from './geometry';
import { type Grid, viewsOf } from './volume';

const FRAME = '1.2.840.1';

/** Ten axial slices, 2 mm apart, pixels of 0.5 mm. */
const stack: readonly Place[] = Array.from({ length: 10 }, (_, slice) => ({
  sopUid: `1.2.${slice}`,
  frame: 1,
  rows: 100,
  columns: 120,
  placed: true,
  frameOfReference: FRAME,
  plane: {
    origin: [-30, -25, 100 + 2 * slice] as Vector,
    row: [1, 0, 0] as Vector,
    column: [0, 1, 0] as Vector,
    rowSpacing: 0.5,
    columnSpacing: 0.5,
  },
}));
const at = (slice: number): Place => stack[slice] as Place;
const REACH = reachOf(stack);

const grid: Grid = {
  origin: [-30, -25, 100],
  steps: [
    [0.5, 0, 0],
    [0, 0.5, 0],
    [0, 0, 2],
  ],
  size: [120, 100, 10],
  order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
};

const mark = (change: Partial<ForeignMark>): ForeignMark => ({
  kind: 'point',
  space: 'patient',
  points: [],
  sop_uid: '',
  frame: 1,
  frame_of_reference_uid: FRAME,
  text: '',
  filled: false,
  ...change,
});

const pathOf = (shapes: readonly Shape[]) => {
  const [shape] = shapes;
  if (shape?.kind !== 'path') throw new Error('no path');
  return shape;
};

describe('marks on the images of a stack', () => {
  it('puts a box of an image on that image and on no other', () => {
    const box = mark({
      kind: 'box',
      space: 'image',
      points: [
        [10.5, 20],
        [30, 40.25],
      ],
      sop_uid: '1.2.3',
    });
    expect(shapesOn(box, at(4), REACH)).toEqual([]);
    const path = pathOf(shapesOn(box, at(3), REACH));
    expect(path.closed).toBe(true);
    expect(path.points).toEqual([
      [10.5, 20],
      [30, 20],
      [30, 40.25],
      [10.5, 40.25],
    ]);
  });

  it('puts a place in the patient on exactly one slice, where it belongs', () => {
    const point = mark({ points: [[-20, -15, 104.9]] });
    const on = stack.filter((image) => shapesOn(point, image, REACH).length > 0);
    expect(on.map((image) => image.sopUid)).toEqual(['1.2.2']);
    const [shape] = shapesOn(point, at(2), REACH);
    // 10 mm from the first pixel's centre: 20 pixels, and its centre is at a half.
    expect(shape).toEqual({ kind: 'point', at: [20.5, 20.5] });
  });

  it('puts a place half way between two slices on one of them only', () => {
    const point = mark({ points: [[-20, -15, 105]] });
    const on = stack.filter((image) => shapesOn(point, image, REACH).length > 0);
    expect(on).toHaveLength(1);
  });

  it('is not fooled by another frame of reference', () => {
    const point = mark({ points: [[-20, -15, 104]], frame_of_reference_uid: '9.9' });
    expect(stack.flatMap((image) => shapesOn(point, image, REACH))).toEqual([]);
  });

  it('projects onto an oblique image along its normal', () => {
    const tilt = Math.PI / 6;
    const oblique: Place = {
      ...at(0),
      plane: {
        origin: [0, 0, 0],
        row: [1, 0, 0],
        column: [0, Math.cos(tilt), Math.sin(tilt)],
        rowSpacing: 0.75,
        columnSpacing: 0.5,
      },
    };
    const inPlane = imageToPatient(oblique.plane, [33.25, 41.5]);
    const off = 0.3;
    const moved = [
      inPlane[0],
      inPlane[1] - Math.sin(tilt) * off,
      inPlane[2] + Math.cos(tilt) * off,
    ];
    const [shape] = shapesOn(mark({ points: [moved] }), oblique, 0.5);
    if (shape?.kind !== 'point') throw new Error('no point');
    expect(shape.at[0]).toBeCloseTo(33.25, 6);
    expect(shape.at[1]).toBeCloseTo(41.5, 6);
    const far = [moved[0], (moved[1] ?? 0) - 3 * Math.sin(tilt), (moved[2] ?? 0) + 3];
    expect(shapesOn(mark({ points: [far as number[]] }), oblique, 0.5)).toEqual([]);
  });

  it('shows a contour whole on its slice and where it crosses elsewhere', () => {
    const contour = mark({
      kind: 'polyline',
      points: [
        [-20, -15, 104],
        [-10, -15, 104],
        [-10, -5, 104],
        [-20, -5, 104],
        [-20, -15, 104],
      ],
    });
    const path = pathOf(shapesOn(contour, at(2), REACH));
    expect(path.closed).toBe(true);
    expect(path.points).toHaveLength(4);
    expect(shapesOn(contour, at(3), REACH)).toEqual([]);
    const across = mark({
      ...contour,
      points: [
        [-20, -15, 100],
        [-10, -15, 100],
        [-10, -15, 118],
        [-20, -15, 118],
        [-20, -15, 100],
      ],
    });
    const line = pathOf(shapesOn(across, at(4), REACH));
    expect(line.closed).toBe(false);
    expect(line.points.toSorted((p, q) => p[0] - q[0])).toEqual([
      [20.5, 20.5],
      [40.5, 20.5],
    ]);
  });

  it('goes round an ellipse through the ends of its axes', () => {
    const ellipse = mark({
      kind: 'ellipse',
      space: 'image',
      sop_uid: '1.2.0',
      points: [
        [10, 50],
        [30, 50],
        [20, 45],
        [20, 55],
      ],
    });
    const { points } = pathOf(shapesOn(ellipse, at(0), REACH));
    for (const [x, y] of points) {
      expect(((x - 20) / 10) ** 2 + ((y - 50) / 5) ** 2).toBeCloseTo(1, 9);
    }
  });
});

describe('marks in planes through a volume', () => {
  const views = viewsOf(grid);
  const inPlane = (one: ForeignMark, view: 'axial' | 'coronal' | 'sagittal', k: number) =>
    shapesIn(one, { grid, view: views[view], at: k, places: stack });

  it('puts a place in all three planes through its voxel', () => {
    const point = mark({ points: [[-20, -15, 104]] });
    expect(inPlane(point, 'axial', 2)).toEqual([{ kind: 'point', at: [20, 20] }]);
    expect(inPlane(point, 'coronal', 20)).toEqual([{ kind: 'point', at: [20, 2] }]);
    expect(inPlane(point, 'sagittal', 20)).toEqual([{ kind: 'point', at: [20, 2] }]);
    expect(inPlane(point, 'coronal', 21)).toEqual([]);
  });

  it('draws a box of an image one slice thick in the planes across it', () => {
    const box = mark({
      kind: 'box',
      space: 'image',
      points: [
        [10.5, 20.5],
        [30.5, 40.5],
      ],
      sop_uid: '1.2.3',
    });
    const axial = pathOf(inPlane(box, 'axial', 3));
    expect(axial.points[0]).toEqual([10, 20]);
    const coronal = pathOf(inPlane(box, 'coronal', 30));
    expect(coronal.points).toEqual([
      [10, 2.5],
      [30, 2.5],
      [30, 3.5],
      [10, 3.5],
    ]);
    expect(inPlane(box, 'coronal', 45)).toEqual([]);
  });
});

describe('segments', () => {
  const segment = (change: Partial<ForeignSegment>): ForeignSegment => ({
    number: 1,
    rows: 100,
    columns: 120,
    frames: [4, 5].map((slice) => ({
      sop_uid: `1.2.${slice}`,
      frame: 1,
      origin: [-30, -25, 100 + 2 * slice],
      row: [1, 0, 0],
      column: [0, 1, 0],
      row_spacing: 0.5,
      column_spacing: 0.5,
    })),
    frame_of_reference_uid: FRAME,
    fractional: false,
    volume_ml: null,
    ...change,
  });

  it('lie on the images that they were drawn on, pixel on pixel', () => {
    expect(framesOn(segment({}), at(4), REACH)).toEqual([{ frame: 0, map: null }]);
    expect(framesOn(segment({}), at(6), REACH)).toEqual([]);
    expect(keysOf(segment({}), stack, REACH)).toEqual(['1.2.4/1', '1.2.5/1']);
  });

  it('are scaled where their pixels are of another size', () => {
    const frames = segment({}).frames.map((one) => ({
      ...one,
      sop_uid: '',
      origin: [-29.75, -24.75, one.origin?.[2] ?? 0],
      row_spacing: 1,
      column_spacing: 1,
    }));
    const coarse = segment({ rows: 50, columns: 60, frames });
    const [on] = framesOn(coarse, at(4), REACH);
    expect(on?.map).toEqual({ a: 2, b: 0, c: 0, d: 2, e: 0, f: 0 });
    expect(keysOf(coarse, stack, REACH)).toEqual(['', '']);
  });

  it('without a place in the patient go by the image that they name', () => {
    const film = segment({
      frames: [{ ...segment({}).frames[0], origin: null } as never],
      frame_of_reference_uid: '',
    });
    expect(framesOn(film, at(4), REACH)).toEqual([{ frame: 0, map: null }]);
    expect(framesOn({ ...film, rows: 99 }, at(4), REACH)).toEqual([]);
  });
});

describe('where to look', () => {
  const item = (change: Partial<ForeignItem>): ForeignItem => ({
    key: 'g1',
    label: { scheme: 'SCT', code: '52988006', display: 'Lesion' },
    tracking_uid: '',
    tracking_id: '',
    category: null,
    site: null,
    text: '',
    colour: '',
    measurements: [],
    evaluations: [],
    marks: [],
    images: [],
    segments: [],
    segment: null,
    map: null,
    why_not: '',
    ...change,
  });

  it('finds the nearest slice, and none outside the stack', () => {
    const inside = item({ marks: [mark({ points: [[-20, -15, 105.2]] })] });
    expect(sightOf(inside, stack)).toMatchObject({ sopUid: '1.2.3', at: [20.5, 20.5] });
    const outside = item({ marks: [mark({ points: [[-20, -15, 140]] })] });
    expect(sightOf(outside, stack)).toBeNull();
    expect(sightOf(item({ images: ['1.2.7'] }), stack)?.sopUid).toBe('1.2.7');
  });

  it('calls things by number or name', () => {
    expect(nameOf(item({ tracking_id: '3' }), 0)).toBe('3 Lesion');
    expect(nameOf(item({ tracking_id: 'LungNodule0001' }), 0)).toBe(
      'Lesion, LungNodule0001',
    );
    expect(nameOf(item({}), 4)).toBe('5 Lesion');
    expect(nameOf(item({ tracking_id: 'Lesion' }), 4)).toBe('Lesion');
  });

  it('finds what a presentation state says of an image', () => {
    const shown = {
      images: [['1.2.3', 0]],
      window: [40, 400],
      inverse: false,
      rotation: 0,
      flip: false,
      area: null,
    };
    const object = { presentations: [shown] } as never;
    expect(presentationFor(object, { sopUid: '1.2.3', frame: 7 })).toBe(shown);
    expect(presentationFor(object, { sopUid: '1.2.4', frame: 1 })).toBeNull();
  });
});
