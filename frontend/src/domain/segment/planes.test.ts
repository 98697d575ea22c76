import { describe, expect, it } from 'vitest';
import { changesIn, labelsIn, valuesIn } from './planes';

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
  it('go back into the slices voxel by voxel', () => {
    for (const [view, at] of [
      [{ through: 2, across: 0, down: 1 }, 1],
      [{ through: 1, across: 0, down: 2 }, 2],
      [{ through: 0, across: 1, down: 2 }, 1],
      [{ through: 0, across: 2, down: 1 }, 0],
    ] as const) {
      const before = labelsIn(slices, { size }, view, at);
      const after = before.labels.map((one, place) => (place % 2 === 0 ? 99 : one));
      const written = slices.map((one) => one?.slice() ?? new Uint8Array(6));
      for (const change of changesIn(before.labels, after, { size }, view, at)) {
        change.places.forEach((place, index) => {
          const slice = written[change.slice];
          if (slice) slice[place] = change.labels[index] ?? 0;
        });
      }
      expect(labelsIn(written, { size }, view, at).labels).toEqual(after);
      const changed = written.flatMap((one) => [...one]).filter((one) => one === 99);
      expect(changed).toHaveLength(Math.ceil(after.length / 2));
    }
  });
});

describe('values along a plane', () => {
  const size = [2, 1, 2] as const;
  const slice = (...stored: number[]) => ({
    columns: 2,
    rows: 1,
    stored,
    slope: 2,
    intercept: -1,
    padding: { low: 9, high: 9 },
  });
  const view = { through: 1, across: 0, down: 2 } as const;
  it('are in the unit of the images, padding is none', () => {
    const found = valuesIn([slice(1, 2), slice(3, 9)], { size }, view, 0);
    expect(Array.from(found?.stored ?? [])).toEqual([1, 3, 5, Number.NaN]);
  });
  it('are none while a slice is not here', () => {
    expect(valuesIn([slice(1, 2), null], { size }, view, 0)).toBeNull();
  });
});
