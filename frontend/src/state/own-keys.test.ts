import { beforeEach, expect, it, vi } from 'vitest';

let answer: (keys: Record<string, string[]>) => void = () => undefined;
vi.mock('@/api/hotkey-endpoints', () => ({
  readHotkeys: () =>
    new Promise((resolve) => {
      answer = resolve;
    }),
  saveHotkeys: async () => undefined,
}));

const { changeOwnKeys, forgetOwnKeys, loadOwnKeys, useOwnKeys } = await import(
  './own-keys'
);

beforeEach(forgetOwnKeys);

const own = () => useOwnKeys.getState().own;

it('takes the keys that the portal has', async () => {
  const loading = loadOwnKeys();
  answer({ search: ['y'] });
  await loading;
  expect(own()).toEqual({ search: ['y'] });
});

it('keeps what was changed, or forgotten, while they were on their way', async () => {
  let loading = loadOwnKeys();
  changeOwnKeys({ search: ['y'] });
  answer({});
  await loading;
  expect(own()).toEqual({ search: ['y'] });
  loading = loadOwnKeys();
  forgetOwnKeys();
  answer({ search: ['y'] });
  await loading;
  expect(own(), 'they are of who was here before').toEqual({});
});
