import { expect, it, vi } from 'vitest';
import { later } from './later';

const Page = () => null;

it('asks again for code that could not be had, and then has it at once', async () => {
  vi.useFakeTimers();
  let asked = 0;
  const page = later(async () => {
    asked += 1;
    if (asked < 3) throw new Error('the network was away');
    return Page;
  });
  expect(page.choose()).not.toBe(Page);
  const brought = page.bring();
  await vi.advanceTimersByTimeAsync(5000);
  expect(await brought).toBe(Page);
  expect(asked).toBe(3);
  expect(page.choose()).toBe(Page);
  vi.useRealTimers();
});
