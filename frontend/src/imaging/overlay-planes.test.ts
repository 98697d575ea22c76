import { describe, expect, it } from 'vitest';
import type { Dataset } from './dataset';
import { overlaysOf } from './overlay-planes';

const packed = (...bytes: number[]) => btoa(String.fromCharCode(...bytes));

const overlay = (more: Dataset = {}): Dataset => ({
  '60000010': { vr: 'US', Value: [2] },
  '60000011': { vr: 'US', Value: [4] },
  '60000050': { vr: 'SS', Value: [3, 5] },
  '60003000': { vr: 'OW', InlineBinary: packed(0b1000_0001, 0b0110_0000) },
  ...more,
});

describe('overlay planes', () => {
  it('are unpacked from the lowest bit on, and placed from 1', () => {
    const [plane] = overlaysOf(overlay(), 1);
    expect(plane).toMatchObject({ rows: 2, columns: 4, left: 4, top: 2 });
    expect([...(plane?.pixels ?? [])]).toEqual([1, 0, 0, 0, 0, 0, 0, 1]);
  });
  it('have a plane for each frame where they say so', () => {
    const several = overlay({
      '60000015': { vr: 'IS', Value: [2] },
      '60000051': { vr: 'US', Value: [3] },
    });
    expect(overlaysOf(several, 2)).toEqual([]);
    expect([...(overlaysOf(several, 4)[0]?.pixels ?? [])]).toEqual([
      0, 0, 0, 0, 0, 1, 1, 0,
    ]);
    expect(overlaysOf(several, 5)).toEqual([]);
  });
  it('that are empty, or too short for what they say, are none', () => {
    const empty = { '60003000': { vr: 'OW', InlineBinary: packed(0) } };
    expect(overlaysOf(overlay(empty), 1)).toEqual([]);
    expect(overlaysOf(overlay({ '60000010': { vr: 'US', Value: [9] } }), 1)).toEqual([]);
    expect(overlaysOf({}, 1)).toEqual([]);
  });
});
