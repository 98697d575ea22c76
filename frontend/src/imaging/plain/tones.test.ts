import vtkColorTransferFunction from '@kitware/vtk.js/Rendering/Core/ColorTransferFunction.js';
import { expect, it } from 'vitest';
import { type Transfer, tonesOf } from './tones';

type Node = readonly [number, ...number[]];

function transferOf(nodes: readonly Node[], low: number, high: number) {
  const made = vtkColorTransferFunction.newInstance();
  for (const [at, ...rgb] of nodes) {
    const [red = 0, green = 0, blue = 0, middle = 0.5, sharp = 0] = rgb;
    made.addRGBPointLong(at, red, green, blue, middle, sharp);
  }
  made.setMappingRange(low, high);
  return made;
}

const KINDS: Readonly<Record<string, readonly Node[]>> = {
  straight: [
    [0, 0, 0, 0],
    [1, 1, 1, 1],
  ],
  inverted: [
    [0, 1, 1, 1],
    [1, 0, 0, 0],
  ],
  bent: [
    [0, 0, 0, 0],
    [0.3, 0.8, 0.8, 0.8],
    [1, 1, 1, 1],
  ],
  'off its middle': [
    [0, 0, 0, 0, 0.2, 0],
    [1, 1, 1, 1],
  ],
  'in steps': [
    [0, 0, 0, 0, 0.5, 1],
    [1, 1, 1, 1],
  ],
  'half as bright': [
    [0, 0, 0, 0],
    [1, 0.5, 0.5, 0.5],
  ],
  coloured: [
    [0, 0, 0, 0],
    [1, 1, 0.5, 0],
  ],
};

for (const [kind, nodes] of Object.entries(KINDS)) {
  it(`is as vtk has it where the line is ${kind}`, () => {
    const transfer = transferOf(nodes, -160, 240);
    const { table, low, high } = tonesOf(transfer as unknown as Transfer);
    expect([low, high]).toEqual([-160, 240]);
    for (let value = -160; value <= 240; value += 1) {
      const at = Math.floor(((value - low) / (high - low)) * (table.length - 1) + 0.5);
      const shown = table[at] ?? 0;
      const wanted = transfer.mapValue(value);
      const rgb = [0, 8, 16, 24].map((by) => (shown >>> by) & 255);
      // In a step's middle the table's own steps decide: once in 400 values.
      const off = Math.max(...rgb.map((n, one) => Math.abs(n - (wanted[one] ?? 0))));
      if (kind !== 'in steps' || Math.abs(value - 40) > 1) expect(off).toBeLessThan(2);
    }
  });
}

it('needs no table of its own for a straight line', () => {
  const [one, two] = [
    transferOf(KINDS['straight'] ?? [], 0, 1),
    transferOf(KINDS['straight'] ?? [], 5, 900),
  ];
  const tables = [one, two].map((each) => tonesOf(each as unknown as Transfer).table);
  expect(tables[0]).toBe(tables[1]);
});
