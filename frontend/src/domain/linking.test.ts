import { describe, expect, it } from 'vitest';
import { type Comparable, likeness, mostAlike } from './compare';
import { daysBetween, wordInterval } from './hanging';
import { cutLine, likelyIndex, linkedIndex, offsetBetween, type Placed } from './linking';

const axial = (z: number, more: Partial<Placed> = {}): Placed => ({
  plane: {
    origin: [-50, -50, z],
    row: [1, 0, 0],
    column: [0, 1, 0],
    columnSpacing: 1,
    rowSpacing: 1,
  },
  placed: true,
  rows: 100,
  columns: 100,
  frameOfReference: '1.2',
  ...more,
});

const sagittal = (x: number, frameOfReference = '1.2'): Placed => ({
  plane: {
    origin: [x, -50, 50],
    row: [0, 1, 0],
    column: [0, 0, -1],
    columnSpacing: 1,
    rowSpacing: 1,
  },
  placed: true,
  rows: 100,
  columns: 100,
  frameOfReference,
});

const stack = (from: number, step: number, n: number, more: Partial<Placed> = {}) =>
  Array.from({ length: n }, (_, k) => axial(from + step * k, more));

describe('series that scroll together', () => {
  it('follow the place, not the number', () => {
    expect(linkedIndex(axial(20), stack(0, 5, 11))).toBe(4);
    expect(linkedIndex(axial(20), stack(50, -2, 26))).toBe(15);
    expect(linkedIndex(axial(500), stack(0, 5, 11))).toBe(10);
  });
  it('keep an offset where their frames of reference differ', () => {
    const then = stack(1000, 5, 11, { frameOfReference: '9' });
    const offset = offsetBetween(axial(20), then[2] as Placed);
    expect(offset).toBe(990);
    expect(linkedIndex(axial(30), then, offset)).toBe(4);
    expect(offsetBetween(axial(20), axial(35))).toBe(0);
  });
  it('do not follow what lies across them or nowhere', () => {
    expect(linkedIndex(sagittal(0), stack(0, 5, 11))).toBeNull();
    expect(linkedIndex(axial(0, { placed: false }), stack(0, 5, 11))).toBeNull();
    expect(linkedIndex(axial(0), [])).toBeNull();
  });
});

describe('an earlier series', () => {
  it('begins at the same place when the two overlap', () => {
    const then = stack(-10, 2, 60, { frameOfReference: '9' });
    expect(likelyIndex(stack(0, 5, 21), 10, then)).toBe(30);
  });
  it('begins as far along when the tables stood elsewhere', () => {
    const then = stack(900, 2, 41, { frameOfReference: '9' });
    expect(likelyIndex(stack(0, 5, 21), 5, then)).toBe(10);
  });
  const series = (index: number, more: Partial<Comparable>): Comparable => ({
    index,
    modality: 'CT',
    description: '',
    plane: 'axial',
    n_instances: 100,
    views: [],
    ...more,
  });
  it('is the one that is most alike', () => {
    const now = series(0, { description: 'Thorax 1.0 LUNG' });
    const then = [
      series(4, { modality: 'PT', description: 'Thorax 1.0 LUNG' }),
      series(5, { description: 'Thorax 3.0 SOFT' }),
      series(6, { description: 'Thorax 2.0 lung', n_instances: 80 }),
      series(7, { plane: 'coronal', description: 'Thorax 1.0 LUNG' }),
    ];
    expect(mostAlike(now, then)).toBe(6);
    expect(mostAlike(now, [])).toBeNull();
    expect(likeness('a b', 'B c')).toBeCloseTo(1 / 3);
  });
  it('of a film has the same view and side', () => {
    const view = (index: number, v: string, laterality: string) =>
      series(index, { modality: 'MG', plane: '', views: [{ view: v, laterality }] });
    const then = [view(0, 'CC', 'R'), view(1, 'MLO', 'L'), view(2, 'CC', 'L')];
    expect(mostAlike(view(9, 'CC', 'L'), then)).toBe(2);
  });
  it('is told by how much earlier it is', () => {
    expect(wordInterval(daysBetween('2024-11-21', '2026-11-21'))).toBe('24 months');
    expect(wordInterval(daysBetween('2026-11-20', '2026-11-21'))).toBe('1 day');
    expect(wordInterval(daysBetween('2021-01-01', '2026-11-21'))).toBe('5 years');
    expect(wordInterval(daysBetween(null, '2026-11-21'))).toBe('');
  });
});

describe('a reference line', () => {
  it('is where one image cuts another', () => {
    const line = cutLine(axial(10), sagittal(-20.5));
    const xs = line?.map(([x]) => x);
    expect(xs?.[0]).toBeCloseTo(30);
    expect(xs?.[1]).toBeCloseTo(30);
    const ys = line?.map(([, y]) => y).sort((p, q) => p - q);
    expect(ys?.[0]).toBeCloseTo(0);
    expect(ys?.[1]).toBeCloseTo(100);
  });
  it('is not drawn between parallel images, other frames, or where they miss', () => {
    expect(cutLine(axial(0), axial(10))).toBeNull();
    expect(cutLine(axial(0), sagittal(0, '9'))).toBeNull();
    expect(cutLine(axial(500), sagittal(0))).toBeNull();
  });
});
