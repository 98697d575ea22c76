import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Dataset } from './dataset';
import type { ImageRef } from './pack';

const JPEG_LS = '1.2.840.10008.1.2.4.80';

const ref = (change: Record<string, readonly unknown[]>, transferSyntax = JPEG_LS) => {
  const values = {
    '00280002': [1],
    '00280004': ['MONOCHROME2'],
    '00280010': [2],
    '00280100': [16],
    ...change,
  };
  const dataset: Dataset = Object.fromEntries(
    Object.entries(values).map(([tag, Value]) => [tag, { vr: 'UN', Value }]),
  );
  return { dataset, transferSyntax } as unknown as ImageRef;
};

describe('what our threads decode', () => {
  let isOurs: (image: ImageRef) => boolean;
  let threadsFor: (bytes: number, most: number) => number;
  beforeAll(async () => {
    vi.stubGlobal('navigator', { hardwareConcurrency: 2 });
    ({ isOurs, threadsFor } = await import('./decode-pool'));
  });

  it('is shared out only where there is much of it', () => {
    const mb = 1024 ** 2;
    expect([0, 25, 40, 75, 900].map((n) => threadsFor(n * mb, 6))).toEqual([
      1, 1, 2, 3, 6,
    ]);
  });

  it('is grey, of one or two bytes, in a syntax that they know', () => {
    expect(isOurs(ref({}))).toBe(true);
    expect(isOurs(ref({ '00280100': [8] }))).toBe(true);
    expect(isOurs(ref({ '00280100': [32] }))).toBe(false);
    expect(isOurs(ref({ '00280002': [3], '00280004': ['RGB'] }))).toBe(false);
    expect(isOurs(ref({ '00280004': ['PALETTE COLOR'] }))).toBe(false);
    expect(isOurs(ref({}, '1.2.840.10008.1.2.4.110'))).toBe(false);
  });
});
