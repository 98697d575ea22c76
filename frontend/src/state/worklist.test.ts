import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NO_FILTERS } from '@/domain/filters';

const asked: string[] = [];
vi.mock('@/api/list-endpoints', () => ({
  readWindow: ({ filters }: { filters: { q: string } }) => {
    asked.push(filters.q);
    return new Promise(() => undefined);
  },
  readSummary: () => new Promise(() => undefined),
}));

const { chooseFilters, clearFilters, openView, resetWorklist, typeSearch, useWorklist } =
  await import('./worklist');

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
});
afterEach(() => {
  resetWorklist();
  vi.useRealTimers();
});

const q = () => useWorklist.getState().filters.q;
const typed = () => useWorklist.getState().typed;

it('asks for what was typed once the typing pauses, whoever still looks', () => {
  for (const word of ['A', 'AN', 'ANN']) typeSearch(word);
  expect([typed(), q(), asked]).toEqual(['ANN', '', []]);
  vi.runAllTimers();
  expect([typed(), q(), asked]).toEqual(['ANN', 'ANN', ['ANN']]);
  typeSearch('ANN ');
  vi.runAllTimers();
  expect(asked, 'a space says nothing new').toEqual(['ANN']);
});

it('takes what is typed along with another filter', () => {
  typeSearch('ANN');
  chooseFilters({ modality: ['CT'] });
  vi.runAllTimers();
  expect(asked).toEqual(['ANN']);
  expect(useWorklist.getState().filters).toMatchObject({ q: 'ANN', modality: ['CT'] });
});

it('forgets what is typed with the filters, with another view, and with the session', () => {
  for (const leave of [
    clearFilters,
    () => openView('mine', NO_FILTERS, null),
    resetWorklist,
  ]) {
    typeSearch('ANN');
    leave();
    vi.runAllTimers();
    expect([typed(), q()]).toEqual(['', '']);
    expect(asked).not.toContain('ANN');
  }
});
