import { describe, expect, it } from 'vitest';
import type { Plane } from '../geometry';
import { boundsOf, edgesIn, grown } from './edges';
import {
  changeSegment,
  freeNumber,
  imageOfKey,
  newSegment,
  segmentName,
  sliceKey,
  startSegmentation,
  TISSUE,
  withoutSegment,
  withSegment,
  withSegmentation,
  withSlices,
} from './model';
import { sha256 } from './sha256';
import {
  addSums,
  countLabels,
  deviationOf,
  NO_SUMS,
  reaches,
  type SizedImage,
  sizeOf,
  sumValues,
} from './sizes';

const SERIES = { seriesUid: '1.2', frameOfReference: '1.3', rows: 4, columns: 5 };

function image(key: string, z: number, placed = true): SizedImage {
  const plane: Plane = {
    origin: [3, -2, z],
    row: [1, 0, 0],
    column: [0, 1, 0],
    columnSpacing: 0.5,
    rowSpacing: 0.8,
  };
  const thickness = 3;
  return {
    key,
    plane,
    placed,
    thickness,
    spacing: { row: 0.8, column: 0.5, source: 'patient' },
  };
}

describe('a segmentation', () => {
  it('numbers and colours its segments, and gives a freed number again', () => {
    const one = withSegment(startSegmentation('a', SERIES), newSegment(1, TISSUE));
    const two = withSegment(one, newSegment(2, TISSUE));
    expect(two.segments.map(({ colour }) => colour)).toEqual(['#3fd0b4', '#ffb454']);
    expect(freeNumber(two)).toBe(3);
    expect(freeNumber(withoutSegment(two, 1))).toBe(1);
    expect(freeNumber(null)).toBe(1);
  });
  it('has no more than 255 segments', () => {
    const segments = Array.from({ length: 255 }, (_, n) => newSegment(n + 1, TISSUE));
    expect(freeNumber({ ...startSegmentation('a', SERIES), segments })).toBeNull();
  });
  it('is called by its reader, and without words by its label', () => {
    const one = withSegment(startSegmentation('a', SERIES), newSegment(1, TISSUE));
    const named = changeSegment(one, 1, { note: 'target' });
    expect(named.segments.map(segmentName)).toEqual(['target']);
    const bare = changeSegment(named, 1, { note: '' });
    expect(bare.segments.map(segmentName)).toEqual(['Tissue']);
    expect(bare).toEqual(one);
  });
  it('leaves out empty images, and is not there when it holds nothing', () => {
    const one = withSlices(startSegmentation('a', SERIES), { 'u#1': 'x', 'u#2': 'y' });
    const less = withSlices(one, { 'u#1': null });
    expect(less.slices).toEqual({ 'u#2': 'y' });
    expect(withSegmentation([one], less)).toEqual([less]);
    expect(withSegmentation([less], withSlices(less, { 'u#2': null }))).toEqual([]);
    expect(withSegmentation([], startSegmentation('a', SERIES))).toEqual([]);
  });
  it('names images by instance and frame', () => {
    expect(imageOfKey(sliceKey('1.2.3', 7))).toEqual({ sopUid: '1.2.3', frame: 7 });
  });
});

describe('sizes', () => {
  it('reach half way to each neighbour, and at the ends as far outward', () => {
    const images = [image('c', 9), image('a', 0), image('b', 4)];
    expect([...(reaches(images) ?? [])]).toEqual([
      ['c', 5],
      ['a', 4],
      ['b', 4.5],
    ]);
  });
  it('count two images at one place with the same reach, but no volume on both', () => {
    const images = [image('a', 0), image('a2', 0), image('b', 2)];
    expect([...(reaches(images)?.values() ?? [])]).toEqual([2, 2, 2]);
    const both = new Map([
      ['a', 10],
      ['a2', 10],
    ]);
    expect(sizeOf(both, images).millilitres).toBeNull();
    expect(sizeOf(new Map([['a2', 10]]), images).millilitres).toBeCloseTo(0.008, 12);
  });
  it('are millilitres where images stand in a row', () => {
    const images = [image('a', 0), image('b', 4), image('c', 9)];
    const counts = new Map([
      ['a', 100],
      ['b', 10],
    ]);
    const size = sizeOf(counts, images);
    expect(size.millilitres).toBeCloseTo((100 * 0.4 * 4 + 10 * 0.4 * 4.5) / 1000, 12);
    expect(size).toMatchObject({ voxels: 110, images: 2 });
  });
  it('are of the stated thickness on an image that stands alone', () => {
    const size = sizeOf(new Map([['a', 100]]), [image('a', 0)]);
    expect(size.millilitres).toBeCloseTo(0.12, 12);
  });
  it('are areas on a film', () => {
    const size = sizeOf(new Map([['a', 100]]), [image('a', 0, false)]);
    expect(size.millilitres).toBeNull();
    expect(size.area).toBeCloseTo(40, 12);
  });
  it('counts labels', () => {
    const counts = countLabels(Uint8Array.of(0, 3, 3, 255, 0, 3));
    expect([counts[0], counts[3], counts[255]]).toEqual([2, 3, 1]);
  });
  it('adds up means and deviations of several images', () => {
    const pixels = (values: number[]) => ({
      columns: values.length,
      rows: 1,
      stored: Int16Array.from(values),
      slope: 2,
      intercept: -1000,
    });
    const first = sumValues(Uint8Array.of(1, 1, 2, 1), 1, pixels([500, 510, 0, 530]));
    const second = sumValues(Uint8Array.of(0, 1, 1), 1, pixels([0, 700, 720]));
    const sums = addSums(addSums(NO_SUMS, first), second);
    const all = [0, 20, 60, 400, 440];
    const mean = all.reduce((a, b) => a + b) / 5;
    expect(sums.n).toBe(5);
    expect(sums.mean).toBeCloseTo(mean, 9);
    const squares = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    expect(deviationOf(sums)).toBeCloseTo(Math.sqrt(squares / 5), 9);
  });
});

describe('edges', () => {
  const map = {
    columns: 4,
    rows: 3,
    labels: Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 2, 0),
  };
  const shown = [false, true, true];
  it('run around each segment once, in long lines', () => {
    const edges = edgesIn(map, { x0: 0, y0: 0, x1: 4, y1: 3 }, shown);
    const lines = (label: number) => {
      const flat = edges.get(label) ?? [];
      return Array.from({ length: flat.length / 4 }, (_, n) =>
        flat.slice(4 * n, 4 * n + 4).join(' '),
      ).sort();
    };
    expect(lines(1)).toEqual(['1 1 1 2', '1 1 3 1', '1 2 3 2', '3 1 3 2']);
    expect(lines(2)).toEqual(['2 2 2 3', '2 3 3 3', '3 2 3 3']);
  });
  it('leaves hidden segments out', () => {
    const edges = edgesIn(map, { x0: 0, y0: 0, x1: 4, y1: 3 }, [false, false, true]);
    expect([...edges.keys()]).toEqual([2]);
    expect(edges.get(2)).toHaveLength(16);
  });
  it('knows where anything is', () => {
    expect(boundsOf(map)).toEqual({ x0: 1, y0: 1, x1: 3, y1: 3 });
    expect(boundsOf({ ...map, labels: new Uint8Array(12) })).toBeNull();
    expect(grown({ x0: 1, y0: 1, x1: 3, y1: 3 }, 2, map)).toEqual({
      x0: 0,
      y0: 0,
      x1: 4,
      y1: 3,
    });
  });
});

describe('the hash', () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 1000, 100_003])(
    'of %i bytes is SHA-256',
    async (n) => {
      const bytes = Uint8Array.from(
        { length: n },
        (_, at) => (at * 31 + (at >> 3)) & 255,
      );
      const theirs = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const hex = Array.from(theirs, (byte) => byte.toString(16).padStart(2, '0')).join(
        '',
      );
      expect(sha256(bytes)).toBe(hex);
    },
  );
});
