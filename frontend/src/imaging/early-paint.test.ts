import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { drawValues } from '@/domain/sampling';
import type { Dataset } from './dataset';
import { type EarlyPicture, greysOf, paintEarly } from './early-paint';
import { paintStrips } from './strips';

vi.hoisted(() => vi.stubGlobal('navigator', { hardwareConcurrency: 2 }));

class Picture {
  readonly data: Uint8ClampedArray;
  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.data = new Uint8ClampedArray(4 * width * height);
  }
}

/** A canvas that keeps what is put on it, and says how much came at once. */
function canvasOf(width: number, height: number) {
  const parts: number[] = [];
  const canvas = { width, height, clientWidth: width, clientHeight: height };
  const pixels = new Uint32Array(width * height);
  const putImageData = (part: Picture, _left: number, top: number) => {
    parts.push(part.data.byteLength);
    const words = new Uint32Array(part.data.buffer);
    pixels.set(words.subarray(0, pixels.length - top * width), top * width);
  };
  const pen = { canvas, putImageData } as unknown as CanvasRenderingContext2D;
  const element = { ...canvas, getContext: () => pen } as unknown as HTMLCanvasElement;
  return { element, pen, pixels, parts };
}

const dataset = (kind: string) =>
  ({ '00280004': { vr: 'CS', Value: [kind] } }) as Dataset;
const COLUMNS = 40;
const ROWS = 30;
const values = {
  data: Int16Array.from({ length: COLUMNS * ROWS }, (_, n) => (n * 37) % 1000),
  columns: COLUMNS,
  rows: ROWS,
};
const pictureOf = (kind: string) =>
  ({
    image: { columns: COLUMNS, rows: ROWS, spacing: { row: 1, column: 1 } },
    values,
    tones: greysOf(dataset(kind), { lower: 100, upper: 900 }),
  }) as unknown as EarlyPicture;

beforeEach(() => {
  vi.stubGlobal('ImageData', Picture);
  vi.stubGlobal('window', { devicePixelRatio: 1 });
});
afterEach(() => vi.unstubAllGlobals());

describe('paintEarly', () => {
  it('paints all of the frame, and never much of it at once', () => {
    const { element, pixels, parts } = canvasOf(1000, 750);
    paintEarly(element, pictureOf('MONOCHROME2'));
    const whole = { pixels: new Uint32Array(1000 * 750), width: 1000, height: 750 };
    const map = { a: 25, b: 0, c: 0, d: 25, e: 12.5, f: 12.5 };
    drawValues(whole, values, map, pictureOf('MONOCHROME2').tones);
    expect(pixels.every((pixel, at) => pixel === whole.pixels[at])).toBe(true);
    expect(new Set(pixels).size).toBeGreaterThan(50);
    expect(parts.length).toBeGreaterThan(2);
    expect(Math.max(...parts)).toBeLessThanOrEqual(512 * 1024);
  });

  it('has the greys of its window, one pixel a pixel; MONOCHROME1 the other way', () => {
    for (const kind of ['MONOCHROME2', 'MONOCHROME1']) {
      const { element, pixels } = canvasOf(COLUMNS, ROWS);
      paintEarly(element, pictureOf(kind));
      const wanted = [...values.data].map((value) => {
        const grey = Math.round(Math.min(1, Math.max(0, (value - 100) / 800)) * 255);
        return kind === 'MONOCHROME1' ? 255 - grey : grey;
      });
      const shown = [...pixels].map((pixel) => pixel & 0xff);
      const off = shown.map((grey, at) => Math.abs(grey - (wanted[at] ?? 0)));
      expect(Math.max(...off)).toBeLessThanOrEqual(1);
      expect([...pixels].every((pixel) => pixel >>> 24 === 0xff)).toBe(true);
    }
  });
});

describe('paintStrips', () => {
  it('goes over each row once, in one part where it is asked for', () => {
    const { pen, pixels, parts } = canvasOf(1024, 300);
    const numbered = (screen: { pixels: Uint32Array; width: number }, top: number) =>
      screen.pixels.forEach((_, at) => {
        screen.pixels[at] = top + Math.floor(at / screen.width);
      });
    paintStrips(pen, numbered);
    expect(parts).toHaveLength(3);
    expect(pixels.every((pixel, at) => pixel === Math.floor(at / 1024))).toBe(true);
    paintStrips(pen, numbered, true);
    expect(parts).toHaveLength(4);
  });

  it('draws hardly more than the canvas has', () => {
    const { pen, parts } = canvasOf(344, 391);
    paintStrips(pen, () => undefined);
    const drawn = parts.reduce((sum, one) => sum + one, 0);
    expect(parts.length).toBe(2);
    expect(drawn).toBeLessThan(1.02 * 4 * 344 * 391);
  });

  it('does nothing on a canvas without a size', () => {
    const { pen, parts } = canvasOf(0, 300);
    paintStrips(pen, () => undefined);
    expect(parts).toHaveLength(0);
  });
});
