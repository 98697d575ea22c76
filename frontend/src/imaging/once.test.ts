import { expect, it } from 'vitest';
import { once } from './once';

it('begins once for all that ask meanwhile, and anew after a failure', async () => {
  let begun = 0;
  const start = once(async () => {
    begun += 1;
    if (begun === 1) throw new Error('the network was away');
    return begun;
  });
  const first = await Promise.allSettled([start(), start()]);
  expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await Promise.all([start(), start(), start()])).toEqual([2, 2, 2]);
  expect(await start()).toBe(2);
});
