import { beforeEach, expect, it, vi } from 'vitest';

let answer: (keys: Record<string, string[]>) => void = () => undefined;
let fails = false;
const saved: Record<string, readonly string[]>[] = [];
vi.mock('@/api/hotkey-endpoints', () => ({
  readHotkeys: () =>
    new Promise((resolve) => {
      answer = resolve;
    }),
  saveHotkeys: async (keys: Record<string, readonly string[]>) => {
    saved.push(keys);
    if (fails) throw new Error('no answer');
  },
}));

const { changeOwnKeys, forgetOwnKeys, loadOwnKeys, refreshOwnKeys, useOwnKeys } =
  await import('./own-keys');

beforeEach(() => {
  forgetOwnKeys();
  fails = false;
  saved.length = 0;
});

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

const unsaved = () => useOwnKeys.getState().unsaved;

it('has what another window changed when the keys are looked at', async () => {
  const looking = refreshOwnKeys();
  await vi.waitFor(() => {
    answer({ 'list.search': ['y'] });
    expect(own()).toEqual({ 'list.search': ['y'] });
  });
  await looking;
});

it('sends again what the portal did not take', async () => {
  fails = true;
  changeOwnKeys({ search: ['y'] });
  await vi.waitFor(() => expect(unsaved()).toBe(true));
  fails = false;
  await refreshOwnKeys();
  await vi.waitFor(() => expect(unsaved()).toBe(false));
  expect(saved).toEqual([{ search: ['y'] }, { search: ['y'] }]);
  expect(own()).toEqual({ search: ['y'] });
});

it('sends nothing, and says nothing, of who is gone', async () => {
  fails = true;
  changeOwnKeys({ search: ['y'] });
  changeOwnKeys({ search: ['z'] });
  forgetOwnKeys();
  fails = false;
  changeOwnKeys({ search: ['x'] });
  await vi.waitFor(() => expect(saved).toContainEqual({ search: ['x'] }));
  expect(saved).not.toContainEqual({ search: ['z'] });
  expect(unsaved()).toBe(false);
});
