import { expect, test } from 'vitest';
import { cardName, cardShape } from './card-value';

test.each([
  ['n_positive_images', 'number of positive images'],
  ['box_iou_at_least_0', 'box IoU at least 0'],
  ['n', 'n'],
])('%s is called %s', (name, words) => {
  expect(cardName(name)).toBe(words);
});

test('a figure with its interval is one line', () => {
  expect(cardShape({ value: 0.26087, ci_low: 0.1255, ci_high: 0.4647, n: 23 })).toEqual({
    kind: 'words',
    words: '0.2609 [0.1255–0.4647], n 23',
  });
});

test('rows of the same fields are a table, each missing cell empty', () => {
  expect(
    cardShape([
      { code: '1', threshold: 0.5 },
      { code: '2', acuity: 'urgent' },
    ]),
  ).toEqual({
    kind: 'table',
    heads: ['code', 'threshold', 'acuity'],
    rows: [
      ['1', '0.5', ''],
      ['2', '', 'urgent'],
    ],
  });
});

test('figures of several things by name are a table with a row for each', () => {
  const figure = { value: 0.9, ci_low: 0.8, ci_high: 0.95 };
  expect(
    cardShape({ nodule: { auroc: figure, n: 132 }, effusion: { auroc: figure, n: 90 } }),
  ).toEqual({
    kind: 'table',
    heads: ['', 'AUROC', 'n'],
    rows: [
      ['nodule', '0.9 [0.8–0.95]', '132'],
      ['effusion', '0.9 [0.8–0.95]', '90'],
    ],
  });
});

test('more figures than things go down, not across', () => {
  expect(
    cardShape({ nodule: { auroc: 0.9, ece: 0.1, n: 1 }, effusion: { auroc: 0.8, n: 2 } }),
  ).toEqual({
    kind: 'table',
    heads: ['', 'nodule', 'effusion'],
    rows: [
      ['AUROC', '0.9', '0.8'],
      ['expected calibration error (ECE)', '0.1', ''],
      ['n', '1', '2'],
    ],
  });
});

test('sentences are a list, sizes a product, nothing is said to be nothing', () => {
  expect(cardShape(['Not for adults.', 'One hospital.'])).toEqual({
    kind: 'list',
    items: ['Not for adults.', 'One hospital.'],
  });
  expect(cardShape([32, 64, 160])).toEqual({ kind: 'words', words: '32 × 64 × 160' });
  expect(cardShape(['PA', 'AP'])).toEqual({ kind: 'words', words: 'PA, AP' });
  for (const empty of [null, undefined, '', []]) {
    expect(cardShape(empty)).toEqual({ kind: 'nothing' });
  }
});

test('what has parts of its own keeps them all', () => {
  expect(cardShape({ held_out: { n: 3, auroc: 0.99 }, note: 'x' })).toEqual({
    kind: 'parts',
    parts: [
      ['held_out', { n: 3, auroc: 0.99 }],
      ['note', 'x'],
    ],
  });
  expect(cardShape([{ name: 'a', params: { n: 1 } }, 'b'])).toEqual({
    kind: 'parts',
    parts: [
      ['1', { name: 'a', params: { n: 1 } }],
      ['2', 'b'],
    ],
  });
});
