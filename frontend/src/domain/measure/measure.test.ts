import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Point } from '../geometry';
import type { Annotation } from '../model';
import { draw, type Gesture, shaped } from './gesture';
import { type MeasureTool, type Scale, UNLABELLED } from './kinds';
import { areaOf, type Pixels, statisticsIn, valueAt } from './region';
import {
  distance,
  dragGrip,
  linesOf,
  movePoints,
  settle,
  splineThrough,
  withShortAxis,
} from './shapes';
import { uptakeFactor } from './suv';
import { angleAt, cobbAngle, measure, scaleOn } from './values';

const SQUARE: Scale = { column: 0.5, row: 0.5, source: 'patient' };
const TALL: Scale = { column: 0.5, row: 2, source: 'patient' };
const PIXELS: Pixels = {
  columns: 5,
  rows: 4,
  stored: Array.from({ length: 20 }, (_, value) => value),
  slope: 1,
  intercept: 0,
};

describe('lengths and angles', () => {
  it('are the patient’s, not the pixels’', () => {
    expect(distance([0, 0], [6, 8], SQUARE)).toBeCloseTo(5);
    expect(distance([0, 0], [6, 2], TALL)).toBeCloseTo(5);
    const legs: Point[] = [
      [10, 0],
      [0, 0],
      [10, 10],
    ];
    expect(angleAt(legs, SQUARE)).toBeCloseTo(45);
    expect(angleAt(legs, TALL)).toBeCloseTo((Math.atan2(20, 5) * 180) / Math.PI);
  });
  it('of Cobb do not mind which way lines point', () => {
    const there: Point[] = [
      [0, 0],
      [10, 0],
      [0, 5],
      [10, 15],
    ];
    const back: Point[] = [...there.slice(0, 2), [10, 15], [0, 5]];
    expect(cobbAngle(there, SQUARE)).toBeCloseTo(45);
    expect(cobbAngle(back, SQUARE)).toBeCloseTo(45);
  });
  it('say pixels where the image has no scale', () => {
    const none: Scale = { column: 1, row: 1, source: 'none' };
    const [value] = measure(
      'length',
      [
        [0, 0],
        [3, 4],
      ],
      none,
      null,
    );
    expect(value).toMatchObject({ value: 5, unit: '{pixels}' });
  });
});

describe('regions', () => {
  it('hold the pixels whose centre lies inside; the left and upper border counts', () => {
    const found = statisticsIn(
      'box',
      [
        [1.5, 1],
        [3.5, 2],
      ],
      SQUARE,
      PIXELS,
    );
    expect(found).toMatchObject({ count: 2, mean: 6.5, least: 6, most: 7 });
  });
  it('have a population’s deviation', () => {
    const found = statisticsIn(
      'box',
      [
        [1, 1],
        [3, 3],
      ],
      SQUARE,
      PIXELS,
    );
    expect(found?.mean).toBe(9);
    expect(found?.deviation).toBeCloseTo(Math.sqrt((9 + 4 + 4 + 9) / 4));
  });
  it('are null without a pixel, and without an area', () => {
    const small: Point[] = [
      [1.6, 1.6],
      [2.4, 2.4],
    ];
    expect(statisticsIn('box', small, SQUARE, PIXELS)).toBeNull();
    expect(statisticsIn('length', small, SQUARE, PIXELS)).toBeNull();
  });
  it('of a circle are round in the patient on tall pixels', () => {
    const circle: Point[] = [
      [20, 20],
      [28, 20],
    ];
    expect(areaOf('circle', circle, TALL)).toBeCloseTo(Math.PI * 16);
    const pixels: Pixels = {
      ...PIXELS,
      columns: 40,
      rows: 40,
      stored: new Float32Array(1600).fill(7),
    };
    const found = statisticsIn('circle', circle, TALL, pixels);
    expect(found?.mean).toBe(7);
    expect(found?.count).toBeGreaterThan(44);
    expect(found?.count).toBeLessThan(56);
  });
  it('agree between a box and the same contour', () => {
    const side = fc.double({ min: 0, max: 5, noNaN: true });
    fc.assert(
      fc.property(side, side, side, side, (x0, y0, x1, y1) => {
        const box: Point[] = [
          [x0, y0],
          [x1, y1],
        ];
        const contour: Point[] = [
          [x0, y0],
          [x1, y0],
          [x1, y1],
          [x0, y1],
        ];
        const a = statisticsIn('box', box, SQUARE, PIXELS);
        const b = statisticsIn('polygon', contour, SQUARE, PIXELS);
        expect(a).toEqual(b);
      }),
    );
  });
  it('give the value of the pixel under a point', () => {
    expect(valueAt([4.99, 1], PIXELS)).toBe(9);
    expect(valueAt([5.01, 1], PIXELS)).toBeNull();
  });
});

describe('shapes', () => {
  it('keep the short axis at a right angle in the patient', () => {
    const axes = withShortAxis([0, 0], [40, 10], TALL);
    const moved = dragGrip('bidirectional', axes, 1, [20, 30], TALL);
    const across = dragGrip('bidirectional', moved, 3, [9, 1], TALL);
    for (const [a, b, c, d] of [axes, moved, across]) {
      if (!a || !b || !c || !d) throw new Error('four points');
      const [x, y] = [(b[0] - a[0]) * 0.5, (b[1] - a[1]) * 2];
      const [u, v] = [(d[0] - c[0]) * 0.5, (d[1] - c[1]) * 2];
      expect(x * u + y * v).toBeCloseTo(0);
    }
  });
  it('stay on the image when they are moved', () => {
    const moved = movePoints(
      [
        [2, 2],
        [8, 4],
      ],
      [5, -9],
      10,
      10,
    );
    expect(moved).toEqual([
      [4, 0],
      [10, 2],
    ]);
    expect(settle([[-1, 4.56789]], 10, 10)).toEqual([[0, 4.57]]);
  });
  it('of a spline go through its control points', () => {
    const controls: Point[] = [
      [0, 0],
      [10, 0],
      [10, 10],
    ];
    const curve = splineThrough(controls);
    expect(curve).toHaveLength(48);
    expect([curve[0], curve[16], curve[32]]).toEqual(controls);
    expect(linesOf('spline', controls, SQUARE)[0]?.closed).toBe(true);
  });
});

/** Strokes at places on the screen, which is the image here. */
function drawn(tool: MeasureTool, ...strokes: (readonly [string, number, number])[]) {
  let gesture: Gesture | null = null;
  for (const [type, x, y] of strokes) {
    const at: Point = [x, y];
    const outcome = draw(gesture, tool, { type: type as 'down', at, on: at });
    if (outcome.done) return outcome.done;
    gesture = outcome.gesture;
  }
  return gesture;
}

describe('drawing', () => {
  it('takes a drag or two clicks for a length', () => {
    const line = [
      [0, 0],
      [30, 40],
    ];
    expect(
      drawn('length', ['down', 0, 0], ['move', 20, 20], ['move', 30, 40], ['up', 30, 40]),
    ).toEqual(line);
    const byClicks = drawn(
      'length',
      ['down', 0, 0],
      ['up', 0, 0],
      ['move', 12, 12],
      ['down', 30, 40],
      ['up', 30, 40],
    );
    expect(byClicks).toEqual(line);
  });
  it('goes on from the vertex for an angle, and anywhere for Cobb’s second line', () => {
    const leg = [
      ['down', 0, 30],
      ['move', 30, 30],
      ['up', 30, 30],
    ] as const;
    expect(
      drawn('angle', ...leg, ['move', 40, 0], ['down', 60, 0], ['up', 60, 0]),
    ).toEqual([
      [0, 30],
      [30, 30],
      [60, 0],
    ]);
    expect(
      drawn('cobb', ...leg, ['down', 5, 50], ['move', 50, 60], ['up', 50, 60]),
    ).toEqual([
      [0, 30],
      [30, 30],
      [5, 50],
      [50, 60],
    ]);
  });
  it('closes a freehand contour when it is let go', () => {
    const strokes = [
      ['down', 0, 0],
      ['move', 20, 0],
      ['move', 20, 20],
      ['move', 20, 20.5],
      ['up', 20, 20],
    ] as const;
    expect(drawn('freehand', ...strokes)).toEqual([
      [0, 0],
      [20, 0],
      [20, 20],
    ]);
  });
  it('closes a spline at its first point, and takes its last point back', () => {
    const clicks = [
      ['down', 0, 0],
      ['up', 0, 0],
      ['down', 50, 0],
      ['up', 50, 0],
      ['down', 50, 50],
      ['up', 50, 50],
    ] as const;
    expect(drawn('spline', ...clicks, ['down', 3, 3])).toEqual([
      [0, 0],
      [50, 0],
      [50, 50],
    ]);
    const open = drawn('spline', ...clicks) as Gesture;
    const back = draw(open, 'spline', { type: 'back' }).gesture;
    expect(back?.fixed).toBe(2);
    expect(back && draw(back, 'spline', { type: 'finish' }).done).toBeNull();
    expect(draw(open, 'spline', { type: 'finish' }).done).toHaveLength(3);
  });
  it('puts the longer axis of an ellipse first', () => {
    const corners: Point[] = [
      [0, 0],
      [10, 6],
    ];
    expect(shaped('ellipse', corners, SQUARE)[0]).toEqual([0, 3]);
    expect(shaped('ellipse', corners, TALL)[0]).toEqual([5, 0]);
  });
});

describe('calibration', () => {
  const line: Annotation = {
    id: 'a',
    tracking_uid: '1.2',
    label: UNLABELLED,
    geometry: {
      kind: 'length',
      space: 'image',
      sop_uid: '1.5',
      frame: 1,
      frame_of_reference_uid: null,
      points: [
        [0, 0],
        [100, 0],
      ],
    },
    text: '',
    missed_by_ai: false,
    measured: { scale: 'calibrated', calibration_mm: 25, values: [] },
  };
  const none: Scale = { column: 1, row: 1.5, source: 'none' };
  it('gives its own image the scale of the known length, and no other', () => {
    expect(scaleOn(none, '1.5', [line])).toEqual({
      column: 0.25,
      row: 0.375,
      source: 'calibrated',
    });
    expect(scaleOn(none, '1.6', [line])).toBe(none);
  });
});

describe('standardised uptake', () => {
  const facts = {
    units: 'BQML',
    corrections: ['NORM', 'ATTN', 'DECY'],
    decayCorrection: 'START',
    weightKg: 70,
    doseBq: 370e6,
    halfLifeS: 6586.2,
    seriesDate: '20260101',
    seriesTime: '110000',
    acquisitionDate: '20260101',
    acquisitionTime: '110010.5',
    injection: '100000.00',
  };
  it('is by the weight and the dose that is left at the scan', () => {
    const left = 370e6 * 2 ** (-3600 / 6586.2);
    expect(uptakeFactor(facts)).toBeCloseTo(70_000 / left, 12);
    const byDate = { ...facts, injection: '20260101100000' };
    expect(uptakeFactor(byDate)).toBeCloseTo(70_000 / left, 12);
    const atInjection = { ...facts, decayCorrection: 'ADMIN' };
    expect(uptakeFactor(atInjection)).toBeCloseTo(70_000 / 370e6, 12);
  });
  it.each([
    { units: 'CNTS' },
    { corrections: ['ATTN'] },
    { weightKg: null },
    { doseBq: 0 },
    { decayCorrection: 'NONE' },
    { injection: '' },
    { seriesTime: '120000' },
  ])('is unknown with %o', (change) => {
    expect(uptakeFactor({ ...facts, ...change })).toBeNull();
  });
});
