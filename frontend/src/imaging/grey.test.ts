import { describe, expect, it } from 'vitest';
import type { Dataset } from './dataset';
import { firstRange, greyFrame, placeIn } from './grey';

const RAW = '1.2.840.10008.1.2.1';

function dataset(change: Record<string, readonly unknown[]> = {}): Dataset {
  const values: Record<string, readonly unknown[]> = {
    '00280002': [1],
    '00280004': ['MONOCHROME2'],
    '00280010': [1],
    '00280011': [3],
    '00280100': [16],
    '00280101': [12],
    '00280103': [0],
    '00281052': [-1024],
    '00281053': [1],
    ...change,
  };
  return Object.fromEntries(
    Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]),
  );
}

const bytesOf = (...stored: number[]) => new Uint8Array(Uint16Array.from(stored).buffer);

describe('greyFrame', () => {
  it('rescales to Hounsfield units and knows the extremes', () => {
    const frame = greyFrame(dataset(), RAW, bytesOf(0, 1064, 4095));
    expect(frame?.values).toEqual(Int16Array.of(-1024, 40, 3071));
    expect(frame).toMatchObject({ min: -1024, max: 3071 });
  });

  it('keeps what cannot be negative unsigned, as volumes of such images are', () => {
    const plain = dataset({ '00281052': [0] });
    expect(greyFrame(plain, RAW, bytesOf(1, 2, 3))?.values).toBeInstanceOf(Uint16Array);
  });

  it('reads signed values of fewer bits than 16, whatever lies above them', () => {
    const signed = dataset({ '00280103': [1], '00281052': [0] });
    const frame = greyFrame(signed, RAW, bytesOf(0x0fff, 0x1800, 0x07ff));
    expect(frame?.values).toEqual(Int16Array.of(-1, -2048, 2047));
  });

  it('reads from an odd place in its buffer', () => {
    const padded = new Uint8Array([9, ...bytesOf(1024, 1025, 1026)]);
    const frame = greyFrame(dataset(), RAW, padded.subarray(1));
    expect(frame?.values).toEqual(Int16Array.of(0, 1, 2));
  });

  it.each([
    ['another syntax', dataset(), '1.2.840.10008.1.2.4.80'],
    ['colour', dataset({ '00280002': [3], '00280004': ['RGB'] }), RAW],
    ['a palette', dataset({ '00280004': ['PALETTE COLOR'] }), RAW],
    ['8 bits', dataset({ '00280100': [8] }), RAW],
    ['a broken slope', dataset({ '00281053': [0.5] }), RAW],
    ['a broken table instead of a slope', dataset({ '00283000': [{}] }), RAW],
    ['too few bytes', dataset({ '00280011': [4] }), RAW],
    ['values beyond 16 bits', dataset({ '00281053': [100] }), RAW],
  ])('leaves %s to a decoder', (_, header, syntax) => {
    expect(greyFrame(header, syntax, bytesOf(1, 2, 3))).toBeNull();
  });
});

describe('firstRange', () => {
  const frame = { values: Int16Array.of(0), min: -5, max: 9, padding: null };

  it("is the image's own window", () => {
    const header = dataset({ '00281050': [40], '00281051': [400] });
    expect(firstRange(header, frame)).toEqual({ lower: -160, upper: 239 });
  });

  it('is everything when the image states none', () => {
    expect(firstRange(dataset(), frame)).toEqual({ lower: -5, upper: 9 });
  });

  it('leaves curves to the imaging library', () => {
    expect(firstRange(dataset({ '00281056': ['SIGMOID'] }), frame)).toBeNull();
  });
});

describe('placeIn', () => {
  it('fits pixels that are not square, in the middle', () => {
    const place = placeIn(
      { width: 300, height: 200 },
      { rows: 10, columns: 10 },
      { row: 2, column: 1 },
    );
    expect(place).toEqual({ x: 100, y: 0, width: 100, height: 200 });
  });
});
