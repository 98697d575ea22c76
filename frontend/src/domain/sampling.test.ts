import { describe, expect, it } from 'vitest';
import { BLACK, drawColours, drawValues, type Tones } from './sampling';

const GREY: Tones = {
  table: Uint32Array.from(
    { length: 256 },
    (_, n) => (BLACK | (n << 16) | (n << 8) | n) >>> 0,
  ),
  low: 0,
  high: 255,
};
const IMAGE = {
  data: Int16Array.from([0, 100, 200, 50, 150, 250]),
  columns: 3,
  rows: 2,
};

function drawn(
  width: number,
  height: number,
  map: Parameters<typeof drawValues>[2],
  tones = GREY,
) {
  const screen = { pixels: new Uint32Array(width * height), width, height };
  drawValues(screen, IMAGE, map, tones);
  return [...screen.pixels].map((pixel) => (pixel === BLACK ? 0 : pixel & 0xff));
}

describe('drawing values on a screen', () => {
  it('puts each value onto its pixel when both are of one size', () => {
    const map = { a: 1, b: 0, c: 0, d: 1, e: 0.5, f: 0.5 };
    expect(drawn(3, 2, map)).toEqual([0, 100, 200, 50, 150, 250]);
  });

  it('is linear between centres and holds the outermost half sample', () => {
    const map = { a: 2, b: 0, c: 0, d: 2, e: 1, f: 1 };
    expect(drawn(6, 4, map).slice(0, 6)).toEqual([0, 25, 75, 125, 175, 200]);
    expect(drawn(6, 4, map).slice(6, 12)).toEqual([13, 38, 88, 138, 188, 213]);
  });

  it('is black beside the image', () => {
    const map = { a: 1, b: 0, c: 0, d: 1, e: 1.5, f: 0.5 };
    expect(drawn(5, 3, map)).toEqual([
      0, 0, 100, 200, 0, 0, 50, 150, 250, 0, 0, 0, 0, 0, 0,
    ]);
  });

  it('mirrors and turns, and a turned image has the same values', () => {
    const mirrored = { a: -1, b: 0, c: 0, d: 1, e: 2.5, f: 0.5 };
    expect(drawn(3, 2, mirrored)).toEqual([200, 100, 0, 250, 150, 50]);
    const quarter = { a: 0, b: 1, c: -1, d: 0, e: 1.5, f: 0.5 };
    expect(drawn(2, 3, quarter)).toEqual([50, 0, 150, 100, 250, 200]);
  });

  it('windows after interpolating, as a graphics card does', () => {
    const map = { a: 2, b: 0, c: 0, d: 1, e: 1, f: 0.5 };
    const narrow = { ...GREY, low: 90, high: 110 };
    // Between 0 and 100 lie 25 and 75: black; windowed first they would be grey.
    expect(drawn(6, 2, map, narrow).slice(0, 4)).toEqual([0, 0, 0, 255]);
  });

  it('draws colours channel by channel', () => {
    const screen = { pixels: new Uint32Array(2), width: 2, height: 1 };
    const data = Uint8Array.from([255, 0, 10, 0, 128, 255]);
    const map = { a: 1, b: 0, c: 0, d: 1, e: 0.5, f: 0.5 };
    const image = { data, columns: 2, rows: 1, channels: 3 };
    drawColours(screen, image, map, { low: 0, high: 255 });
    expect([...screen.pixels].map((n) => n.toString(16))).toEqual([
      'ff0a00ff',
      'ffff8000',
    ]);
  });
});
