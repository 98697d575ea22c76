import { describe, expect, it } from 'vitest';
import { colourMapOf, colourPixels } from './colour-map';
import type { Dataset } from './dataset';

const encoded = (...words: number[]) => {
  const bytes = new Uint8Array(Uint16Array.from(words).buffer);
  return { vr: 'OW', InlineBinary: btoa(String.fromCharCode(...bytes)) };
};
const descriptor = { vr: 'US', Value: [2, 1024, 16] };

const perfusion = (more: Dataset = {}): Dataset => ({
  '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
  '00281101': descriptor,
  '00281102': descriptor,
  '00281103': descriptor,
  '00281201': encoded(0x1000, 0xff00),
  '00281202': encoded(0x2000, 0x8000),
  '00281203': encoded(0x3000, 0x0000),
  ...more,
});

describe('the supplemental palette', () => {
  it('colours stored values from its first on, the last for all above', () => {
    const map = colourMapOf(perfusion());
    expect(map?.first).toBe(1024);
    const rescaled = { slope: 2, intercept: -1024 };
    const values = [1023, 1024, 1025, 1190].map((stored) => stored * 2 - 1024);
    const words = map ? colourPixels(map, values, rescaled) : null;
    expect([...(words ?? [])]).toEqual([0, 0xff_30_20_10, 0xff_00_80_ff, 0xff_00_80_ff]);
  });
  it('leaves an image alone that has no such value', () => {
    const map = colourMapOf(perfusion());
    expect(map && colourPixels(map, [0, 1023], { slope: 1, intercept: 0 })).toBeNull();
  });
  it('is of grey images with three tables only', () => {
    const palette = { '00280004': { vr: 'CS', Value: ['PALETTE COLOR'] } };
    expect(colourMapOf(perfusion(palette))).toBeNull();
    const { '00281203': _, ...two } = perfusion();
    expect(colourMapOf(two)).toBeNull();
    expect(colourMapOf({})).toBeNull();
  });
});
