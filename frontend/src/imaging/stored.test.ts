import { describe, expect, it } from 'vitest';
import type { Dataset } from './dataset';
import { greyFrame, storedOf } from './grey';
import { apart, inPlace } from './stored';
import { voiCurve } from './voi-curve';

const attributes = (values: Record<string, readonly unknown[]>): Dataset =>
  Object.fromEntries(
    Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]),
  );

const BASE = {
  '00280002': [1],
  '00280004': ['MONOCHROME2'],
  '00280010': [1],
  '00280011': [4],
  '00280100': [16],
  '00280101': [12],
  '00280103': [0],
};
const table = (descriptor: readonly number[], values: readonly number[]) =>
  attributes({ '00283002': descriptor, '00283006': values });

describe('a modality table', () => {
  const dataset = attributes({
    ...BASE,
    '00283000': [table([3, 10, 16], [100, 400, 900])],
  });

  it('gives each stored value its own, and its ends to what lies beyond', () => {
    const bytes = new Uint8Array(Uint16Array.of(10, 11, 12, 4000).buffer);
    const frame = greyFrame(dataset, '1.2.840.10008.1.2.1', bytes);
    expect(frame).toMatchObject({ min: 100, max: 900 });
    expect([...(frame?.values ?? [])]).toEqual([100, 400, 900, 900]);
  });

  it('has a first value below zero where stored values have a sign', () => {
    const signed = attributes({
      ...BASE,
      '00280103': [1],
      '00283000': [table([3, 65_535, 8], [7, 8, 9])],
    });
    const facts = storedOf(signed);
    expect(facts?.table?.first).toBe(-1);
    if (!facts) return;
    expect([...apart(Int16Array.of(-1, 0, 1, 5), facts).values]).toEqual([7, 8, 9, 9]);
  });

  it('that is not whole leaves the frame alone', () => {
    const broken = attributes({ ...BASE, '00283000': [table([30, 0, 16], [1])] });
    expect(storedOf(broken)).toBeNull();
  });
});

describe('values that are handed over', () => {
  const facts = {
    bits: 12,
    signed: false,
    slope: 1,
    intercept: 0,
    table: null,
    padding: null,
    inverted: false,
  };
  const stored = () => Uint16Array.of(0, 255);

  it('are as small as the header allows, and broken ones keep their fractions', () => {
    expect(apart(stored(), { ...facts, bits: 8 }).values).toBeInstanceOf(Uint8Array);
    expect(apart(stored(), facts).values).toBeInstanceOf(Uint16Array);
    expect(apart(stored(), { ...facts, intercept: -1024 }).values).toEqual(
      Int16Array.of(-1024, -769),
    );
    expect(apart(stored(), { ...facts, slope: 0.5 }).values).toEqual(
      Float32Array.of(0, 127.5),
    );
  });

  it('take over memory that was the stored ones alone', () => {
    const from = stored();
    expect(apart(from, facts).values.buffer).toBe(from.buffer);
  });

  it('lie beside a memory that a decoder goes on using', () => {
    const memory = new Uint16Array(64).fill(7);
    const { values } = apart(memory.subarray(8, 10), { ...facts, intercept: -1 });
    expect(values).toEqual(Int16Array.of(6, 6));
    expect(values.buffer.byteLength).toBe(4);
    expect(memory.every((value) => value === 7)).toBe(true);
  });
});

describe('a VOI table', () => {
  const voi = table([5, 100, 8], [0, 10, 100, 250, 255]);

  it('is the form of the grey scale over its range', () => {
    const curve = voiCurve(attributes({ ...BASE, '00283010': [voi] }));
    expect(curve).toEqual([0, 10 / 255, 100 / 255, 250 / 255, 1]);
  });

  it('waits behind a window that the image states', () => {
    const both = { ...BASE, '00283010': [voi], '00281050': [102], '00281051': [4] };
    expect(voiCurve(attributes(both))).toBeNull();
  });
});

describe('padding', () => {
  const facts = {
    bits: 12,
    signed: false,
    slope: 1,
    intercept: -1000,
    table: null,
    padding: { low: 0, high: 1 },
    inverted: false,
  };

  it('counts for no extreme, and stays where it is darker than the image', () => {
    const frame = inPlace(Uint16Array.of(0, 1, 900, 1100), facts);
    expect(frame?.values).toEqual(Int16Array.of(-1000, -999, -100, 100));
    expect(frame).toMatchObject({ min: -100, max: 100 });
    expect(frame?.padding).toEqual({ low: -1000, high: -999 });
  });

  it('is written anew as black where it would be bright', () => {
    const inverted = { ...facts, intercept: 0, inverted: true };
    const frame = inPlace(Uint16Array.of(0, 1, 900, 1100), inverted);
    expect(frame?.values).toEqual(Uint16Array.of(65_535, 65_535, 900, 1100));
    expect(frame).toMatchObject({ min: 900, max: 1100 });
    expect(frame?.padding).toEqual({ low: 65_535, high: 65_535 });
    const high = { ...facts, padding: { low: 4095, high: 4095 } };
    expect(inPlace(Uint16Array.of(4095, 900), high)?.values).toEqual(
      Int16Array.of(-32_768, -100),
    );
  });

  it('has room for a value of its own in images of 8 bits', () => {
    const bytes = { ...facts, bits: 8, intercept: 0, inverted: true };
    const frame = apart(Uint8Array.of(0, 255), bytes);
    expect(frame.values).toEqual(Uint16Array.of(65_535, 255));
    expect(frame.padding).toEqual({ low: 65_535, high: 65_535 });
  });

  it('behind a table is what was stored, whatever the table makes of it', () => {
    const ramp = { first: 0, values: Uint16Array.of(900, 0, 500, 900), bits: 10 };
    const tabled = { ...facts, intercept: 0, table: ramp, padding: { low: 3, high: 9 } };
    const stored = () => Uint16Array.of(0, 1, 2, 3, 7);
    // The table has a 0: black needs a value of its own, which 16 bits have not.
    expect(inPlace(stored(), tabled)).toBeNull();
    const frame = apart(stored(), tabled);
    expect(frame.values).toEqual(Float32Array.of(900, 0, 500, -1e9, -1e9));
    expect(frame).toMatchObject({ min: 0, max: 900, padding: { low: -1e9, high: -1e9 } });
    const inverted = inPlace(stored(), { ...tabled, inverted: true });
    expect(inverted?.values).toEqual(Uint16Array.of(900, 0, 500, 65_535, 65_535));
    expect(inverted).toMatchObject({ min: 0, max: 900, padding: { low: 65_535 } });
    const none = { ...tabled, padding: { low: 50, high: 50 } };
    expect(apart(stored(), none)).toMatchObject({ min: 0, max: 900, padding: null });
  });

  it('is none where it is not, or all there is', () => {
    expect(inPlace(Uint16Array.of(900, 1100), facts)?.padding).toBeNull();
    expect(inPlace(Uint16Array.of(0, 1), facts)).toMatchObject({ padding: null });
  });
});

describe('values and a whole number', () => {
  const facts = (bits: number, signed: boolean, intercept: number) => ({
    bits,
    signed,
    slope: 1,
    intercept,
    table: null,
    padding: null,
    inverted: false,
  });

  it('are made where the stored ones lie', () => {
    const stored = Uint16Array.of(1024, 1000, 4024, 1031);
    const made = inPlace(stored, facts(12, false, -1024));
    expect(made).toMatchObject({ min: -24, max: 3000 });
    expect([...(made?.values ?? [])]).toEqual([0, -24, 3000, 7]);
    expect(made?.values.buffer).toBe(stored.buffer);
  });

  it('get their sign from the bits that are stored, not from those around them', () => {
    const made = inPlace(Uint16Array.of(0x0fff, 0x0001), facts(12, true, 10));
    expect([...(made?.values ?? [])]).toEqual([9, 11]);
    expect(made).toMatchObject({ min: 9, max: 11 });
  });

  it('without a sign may become ones with', () => {
    const made = inPlace(Uint16Array.of(4095, 0), facts(12, false, -1024));
    expect([...(made?.values ?? [])]).toEqual([3071, -1024]);
  });
});
