import { expect, test } from 'vitest';
import { type Asked, askEach } from './ask-each';

test('each is asked once, one after the other, and a refusal stops nothing', async () => {
  const asked: string[] = [];
  const steps: Asked[] = [];
  let inHand = 0;
  const found = await askEach(
    ['a', 'b', 'c'],
    async (one) => {
      inHand += 1;
      expect(inHand).toBe(1);
      asked.push(one);
      await Promise.resolve();
      inHand -= 1;
      if (one === 'b') throw new Error('refused');
    },
    (step) => steps.push(step),
  );
  expect(asked).toEqual(['a', 'b', 'c']);
  expect(found).toEqual({ done: 3, refused: 1, of: 3 });
  expect(steps.map((step) => step.done)).toEqual([0, 1, 2, 3]);
});

test('nothing to ask is a round of none', async () => {
  const found = await askEach(
    [],
    () => Promise.reject(new Error('never')),
    () => {},
  );
  expect(found).toEqual({ done: 0, refused: 0, of: 0 });
});
