import { describe, expect, it } from 'vitest';
import type { Row } from './model';
import { nextUp } from './next-up';

function row(id: string, change: object = {}): Row {
  return { id, state: 'open', lease: null, ...change } as unknown as Row;
}

const others = { lease: { mine: false } };
const LIST = [
  row('present'),
  row('taken', others),
  row('done', { state: 'done' }),
  row('free'),
  row('later'),
];
const rowOf = (id: string) => LIST.find((one) => one.id === id) ?? null;
const shown = LIST.map(({ id }) => id);

describe('nextUp', () => {
  it('is the first that is free and not the one on the screen', () => {
    expect(nextUp(shown, rowOf, 'present')?.id).toBe('free');
    expect(nextUp(shown, rowOf, 'free')?.id).toBe('present');
  });

  it('is also one that the reader has in hand', () => {
    const mine = row('mine', { state: 'leased', lease: { mine: true } });
    expect(
      nextUp(['mine', 'free'], (id) => (id === 'mine' ? mine : rowOf(id)), 'x'),
    ).toBe(mine);
  });

  it('is nothing when nothing is free', () => {
    expect(nextUp(['present', 'taken', 'gone'], rowOf, 'present')).toBeNull();
  });
});
