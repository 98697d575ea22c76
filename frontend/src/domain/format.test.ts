import { describe, expect, it } from 'vitest';
import { formatClock, formatDate, formatDay, formatExact, formatInteger } from './format';

const DAY = { day: '2-digit', month: 'short', year: 'numeric' } as const;
const TIME = { hour: '2-digit', minute: '2-digit' } as const;

describe('dates and numbers written by hand', () => {
  it('are what the browser would write, in every month and at midnight', () => {
    for (let month = 0; month < 12; month += 1) {
      for (const at of [
        new Date(2026, month, 3, 0, 4, 9),
        new Date(1999, month, 28, 23, 59, 59),
      ]) {
        const instant = at.getTime();
        expect(formatClock(instant)).toBe(at.toLocaleTimeString('en-GB', TIME));
        expect(formatDay(instant)).toBe(at.toLocaleDateString('en-GB', DAY));
        expect(formatExact(at.toISOString())).toBe(
          at.toLocaleString('en-GB', { ...DAY, ...TIME, second: '2-digit' }),
        );
      }
    }
    for (const value of [0, 7, -7, 999, 1000, -1234, 12_345.6, 1_234_567, -0.2]) {
      const written = Math.round(value).toLocaleString('en-GB').replace('-', '−');
      expect(formatInteger(value)).toBe(written.replace('−0', '0'));
    }
  });

  it('take DICOM and ISO dates, and leave other text as it is', () => {
    expect(formatDate('20260905')).toBe('05 Sept 2026');
    expect(formatDate('2026-11-21')).toBe('21 Nov 2026');
    expect(formatDate('unknown')).toBe('unknown');
    expect(formatDate(null)).toBe('');
  });
});
