import { expect, test } from 'vitest';
import { pairAfter, pairsOf } from './lesions';
import type { Ai } from './model';

const at = (sop_uid: string) => ({ sop_uid, column: 3, row: 4 });
const lesion = (key: string, finding_id: string | null, then: string | null) => ({
  finding_id,
  tracking_uid: key,
  now_at: at(`now-${key}`),
  then_at: then === null ? null : at(then),
});

function seen(visible: boolean, state: string): Ai {
  const lesions = [
    lesion('a', 'f', 'then-a'),
    lesion('b', 'f', null),
    lesion('c', 'g', 'then-c'),
    lesion('d', 'f', 'then-d'),
  ];
  const comparison = { state, prior: { study_id: 's' }, lesions };
  return { visible, runs: [{ comparison }, { comparison: null }] } as unknown as Ai;
}

test('the lesions of one finding that have an earlier place', () => {
  const pairs = pairsOf(seen(true, 'done'), 'f');
  expect(pairs.map(({ key }) => key)).toEqual(['a', 'd']);
  expect(pairs[0]).toEqual({
    key: 'a',
    study: 's',
    now: at('now-a'),
    earlier: at('then-a'),
  });
});

test('there are none before the comparison is done, or while AI is hidden', () => {
  expect(pairsOf(seen(true, 'running'), 'f')).toEqual([]);
  expect(pairsOf(seen(false, 'done'), 'f')).toEqual([]);
  expect(pairsOf(null, 'f')).toEqual([]);
});

test('the key goes from one lesion to the next and round', () => {
  const pairs = pairsOf(seen(true, 'done'), 'f');
  expect(pairAfter(pairs, null)?.key).toBe('a');
  expect(pairAfter(pairs, 'a')?.key).toBe('d');
  expect(pairAfter(pairs, 'd')?.key).toBe('a');
  expect(pairAfter([], 'a')).toBeNull();
});
