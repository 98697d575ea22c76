import { expect, test } from 'vitest';
import { inValues, windowWords } from './window-words';

const one = (vr: string, value: unknown) => ({ vr, Value: [value] });

/** PET of 70 kg and 350 MBq, decayed by half until the scan: 4e-4 g/ml for a Bq/ml. */
const PET = {
  '00080060': one('CS', 'PT'),
  '00541001': one('CS', 'BQML'),
  '00280051': { vr: 'CS', Value: ['ATTN', 'DECY'] },
  '00541102': one('CS', 'START'),
  '00101030': one('DS', 70),
  '00080021': one('DA', '20261120'),
  '00080031': one('TM', '110000'),
  '00080022': one('DA', '20261120'),
  '00080032': one('TM', '110000'),
  '00540016': {
    vr: 'SQ',
    Value: [
      {
        '00181074': one('DS', 350e6),
        '00181075': one('DS', 3600),
        '00181072': one('TM', '100000'),
      },
    ],
  },
};
const image = (dataset: object) => ({ dataset }) as Parameters<typeof windowWords>[2];
const FACTOR = 4e-4;

test('a window of PET is said in SUV, its own digits for a narrow one', () => {
  const of = (from: number, to: number) =>
    windowWords(
      { width: (to - from) / FACTOR, level: (from + to) / 2 / FACTOR },
      'PT',
      image(PET),
    );
  expect(of(0, 7)).toBe('SUV 0.0–7.0');
  expect(of(2.5, 15)).toBe('SUV 2.5–15.0');
  expect(of(0, 1.25)).toBe('SUV 0.00–1.25');
  expect(of(-0.0001, 5)).toBe('SUV 0.0–5.0');
});

test('without what SUV needs a window of PET says the unit that is stored', () => {
  const bare = { ...PET, '00540016': { vr: 'SQ' } };
  const window = { width: 20000, level: 10000 };
  expect(windowWords(window, 'PT', image(bare))).toBe('WW 20000 WL 10000 Bq/ml');
  const counts = { ...bare, '00541001': one('CS', 'CNTS') };
  expect(windowWords(window, 'PT', image(counts))).toBe('WW 20000 WL 10000 counts');
  expect(windowWords(window, 'PT', image({}))).toBe('WW 20000 WL 10000');
  expect(windowWords({ width: 400, level: 40 }, 'CT', image({}))).toBe('WW 400 WL 40');
});

test('named windows of PET become its values, and there are none without SUV', () => {
  const presets = [{ name: 'SUV 0–5', width: 5, level: 2.5 }];
  expect(inValues(presets, 'PT', FACTOR)).toEqual([
    { name: 'SUV 0–5', width: 12500, level: 6250 },
  ]);
  expect(inValues(presets, 'PT', null)).toEqual([]);
  expect(inValues(presets, 'CT', null)).toBe(presets);
});
