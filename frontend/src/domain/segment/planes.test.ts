import { describe, expect, it } from 'vitest';
import { labelsIn } from './planes';

describe('label maps cut by a plane', () => {
  // Two columns, three rows, four slices; the label says where it lies.
  const size = [2, 3, 4] as const;
  const label = (i: number, j: number, k: number) => 1 + i + 2 * j + 6 * k;
  const slices = [0, 1, 2, 3].map((k) =>
    k === 2
      ? null
      : Uint8Array.from({ length: 6 }, (_, at) => label(at % 2, Math.floor(at / 2), k)),
  );
  it('are themselves in the acquired plane', () => {
    const view = { through: 2, across: 0, down: 1 } as const;
    expect(labelsIn(slices, { size }, view, 3).labels).toEqual(slices[3]);
  });
  it('are rows of all slices in the planes across', () => {
    const coronal = { through: 1, across: 0, down: 2 } as const;
    const cut = labelsIn(slices, { size }, coronal, 1);
    expect([cut.columns, cut.rows]).toEqual([2, 4]);
    const row = (k: number) => [label(0, 1, k), label(1, 1, k)];
    expect([...cut.labels]).toEqual([...row(0), ...row(1), 0, 0, ...row(3)]);
    const sagittal = { through: 0, across: 1, down: 2 } as const;
    const side = labelsIn(slices, { size }, sagittal, 1);
    expect([side.columns, side.rows]).toEqual([3, 4]);
    expect([...side.labels.subarray(9)]).toEqual([0, 1, 2].map((j) => label(1, j, 3)));
  });
});
