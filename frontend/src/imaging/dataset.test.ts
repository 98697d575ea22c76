import { describe, expect, it } from 'vitest';
import {
  type Dataset,
  directionsOf,
  frameDataset,
  isLossy,
  paletteOf,
  planeOf,
  readAlike,
  spacingOf,
  undrawable,
  voiOf,
} from './dataset';
import { buildModule } from './modules';

const ds = (...Value: unknown[]) => ({ vr: 'DS', Value });
const sq = (...Value: Dataset[]) => ({ vr: 'SQ', Value });

const ENHANCED: Dataset = {
  '00280008': { vr: 'IS', Value: [2] },
  '52009229': sq({
    '00209116': sq({ '00200037': ds(1, 0, 0, 0, 1, 0) }),
    '00289110': sq({ '00280030': ds(0.7, 0.6), '00180050': ds(3) }),
    '00289145': sq({ '00281052': ds(-1024), '00281053': ds(1) }),
  }),
  '52009230': sq(
    { '00209113': sq({ '00200032': ds(-10, -20, 5) }) },
    { '00209113': sq({ '00200032': ds(-10, -20, 8) }) },
  ),
};

describe('a frame of an enhanced image', () => {
  it('has what is shared and what is its own, and no groups', () => {
    const second = frameDataset(ENHANCED, 2);
    expect(planeOf(second, 1)).toEqual({
      real: true,
      plane: {
        origin: [-10, -20, 8],
        row: [1, 0, 0],
        column: [0, 1, 0],
        columnSpacing: 0.6,
        rowSpacing: 0.7,
      },
    });
    expect(second['52009230']).toBeUndefined();
    expect(buildModule('modalityLutModule', second, 1)).toMatchObject({
      rescaleIntercept: -1024,
    });
  });
});

describe('spacing', () => {
  it('is the patient’s, the detector’s, or not known', () => {
    expect(spacingOf({ '00280030': ds('0.5', '0.25') })).toEqual({
      row: 0.5,
      column: 0.25,
      source: 'patient',
    });
    expect(spacingOf({ '00181164': ds(0.1, 0.1) }).source).toBe('detector');
    expect(spacingOf({})).toEqual({ row: 1, column: 1, source: 'none' });
    expect(spacingOf({ '00280034': ds(2, 1) }).row).toBe(2);
  });
  it('comes from ultrasound regions in centimetres, and holds in them', () => {
    const region = {
      '00186018': ds(10),
      '0018601A': ds(20),
      '0018601C': ds(99),
      '0018601E': ds(89),
      '00186024': ds(3),
      '00186026': ds(3),
      '0018602C': ds(0.02),
      '0018602E': ds(0.03),
    };
    const place = { x0: 10, y0: 20, x1: 99, y1: 89, priority: 0 };
    const spacing = { column: 0.2, row: 0.3 };
    expect(spacingOf({ '00186011': sq(region) })).toEqual({
      ...spacing,
      source: 'patient',
      regions: [{ ...place, spacing }],
    });
    const curve = { ...region, '00186024': ds(4) };
    expect(spacingOf({ '00186011': sq(region, curve) })).toMatchObject({
      ...spacing,
      regions: [{ spacing }, { spacing: null }],
    });
    const other = { ...region, '0018602C': ds(0.05) };
    expect(spacingOf({ '00186011': sq(region, other) }).source).toBe('none');
    expect(spacingOf({ '00186011': sq(curve) }).regions).toBeUndefined();
  });
});

describe('orientation', () => {
  it('is computed where cosines are, else taken as stated', () => {
    const placed = { '00200032': ds(0, 0, 0), '00200037': ds(1, 0, 0, 0, 1, 0) };
    expect(directionsOf(placed)).toEqual({ row: 'L', column: 'P' });
    expect(directionsOf({ '00200020': { vr: 'CS', Value: ['A', 'F'] } })).toEqual({
      row: 'A',
      column: 'F',
    });
    expect(directionsOf({})).toEqual({ row: '', column: '' });
  });
  it('gives an unplaced image a plane of its own', () => {
    expect(planeOf({}, 7)).toMatchObject({ real: false, plane: { origin: [0, 0, 7] } });
  });
});

describe('windows', () => {
  it('are the stored ones, or what a table spans', () => {
    expect(voiOf({ '00281050': ds(40, 300), '00281051': ds(400, 1500) })).toEqual({
      centers: [40, 300],
      widths: [400, 1500],
    });
    expect(voiOf({ '00283010': sq({ '00283002': ds(256, 100, 8) }) })).toEqual({
      centers: [228],
      widths: [256],
    });
    expect(voiOf({ '00281050': ds(40), '00281051': ds(0) }).centers).toEqual([]);
  });
  it('reach Cornerstone with a function it knows', () => {
    const module = buildModule(
      'voiLutModule',
      { '00281050': ds(1), '00281051': ds(2) },
      0,
    );
    expect(module).toMatchObject({ voiLUTFunction: ['LINEAR'] });
  });
});

describe('pixels', () => {
  it('read a palette of 16-bit entries', () => {
    const bytes = btoa(String.fromCharCode(0, 1, 255, 255));
    const palette = paletteOf(
      { '00281201': { vr: 'OW', InlineBinary: bytes } },
      '00281201',
      [2, 0, 16],
    );
    expect(palette).toEqual(Uint16Array.from([256, 65_535]));
  });
  it('say why a frame cannot be drawn', () => {
    const size = { '00280010': ds(2), '00280011': ds(2) };
    const palette = { ...size, '00280004': { vr: 'CS', Value: ['PALETTE COLOR'] } };
    const table = { vr: 'US', Value: [0, 256] };
    const whole = { ...palette, '00281201': table, '00281202': table, '00281203': table };
    expect(undrawable(size)).toBeNull();
    expect(undrawable({})).toContain('rows');
    expect(undrawable(palette)).toContain('colour table');
    expect(undrawable(whole)).toBeNull();
    expect(paletteOf(whole, '00281201', [2, 0, 16])).toEqual(Uint16Array.from([0, 256]));
  });
  it('say lossy when the source or the pack is', () => {
    expect(
      isLossy({ '00282110': { vr: 'CS', Value: ['01'] } }, '1.2.840.10008.1.2.1'),
    ).toBe(true);
    expect(isLossy({}, '1.2.840.10008.1.2.4.50')).toBe(true);
    expect(isLossy({}, '1.2.840.10008.1.2.4.80')).toBe(false);
  });
  it('keep sign, bits and photometry', () => {
    const module = buildModule(
      'imagePixelModule',
      {
        '00280004': { vr: 'CS', Value: ['MONOCHROME1'] },
        '00280010': ds(2),
        '00280011': ds(3),
        '00280100': ds(16),
        '00280101': ds(12),
        '00280103': ds(1),
      },
      0,
    );
    expect(module).toMatchObject({
      photometricInterpretation: 'MONOCHROME1',
      rows: 2,
      columns: 3,
      bitsStored: 12,
      pixelRepresentation: 1,
      samplesPerPixel: 1,
    });
  });
});

describe('what is the same in all images of a series', () => {
  const image = (number: number): Dataset => ({
    '00100010': { vr: 'PN', Value: [{ Alphabetic: 'DOE^ANN' }] },
    '00180050': ds(3),
    '00200013': { vr: 'IS', Value: [number] },
    '00081140': sq({ '00081155': { vr: 'UI', Value: ['1.2.3'] } }),
  });

  it('is held once, and says what it said', () => {
    const shared = readAlike(JSON.stringify([image(1), image(2), image(3)]));
    expect(shared).toEqual([image(1), image(2), image(3)]);
    for (const tag of ['00100010', '00180050', '00081140']) {
      expect(shared[2]?.[tag]).toBe(shared[0]?.[tag]);
    }
    expect(shared[2]?.['00200013']).not.toBe(shared[0]?.['00200013']);
  });

  it('is read whatever stands in a string, and refused when it is cut short', () => {
    const odd = { '00081030': { vr: 'LO', Value: ['}] \\" {[ \\\\', 'ä'] } };
    const json = JSON.stringify([odd, odd, image(1)], null, 1);
    expect(readAlike(json)).toEqual([odd, odd, image(1)]);
    expect(readAlike('[]')).toEqual([]);
    for (const cut of [json.slice(0, -3), json.slice(0, 40), '', '{}']) {
      expect(() => readAlike(cut)).toThrow(SyntaxError);
    }
  });

  it('is not taken for what another image lacks or says otherwise', () => {
    const others: Dataset[] = [
      { '00180050': ds() },
      { '00180050': { vr: 'DS' } },
      { '00180050': ds(3, 3) },
      { '00180050': { vr: 'IS', Value: [3] } },
      { '00081140': sq({}) },
      {},
    ];
    expect(readAlike(JSON.stringify([image(1), ...others]))).toEqual([
      image(1),
      ...others,
    ]);
  });
});
