import { describe, expect, it } from 'vitest';
import { backOff, nearestFirst } from './backoff';
import { type Filters, fits, NO_FILTERS } from './filters';
import {
  formatBytes,
  formatDate,
  formatInteger,
  formatProbability,
  formatSigned,
  formatSpan,
} from './format';
import { nameStroke, printHotkey } from './hotkeys';
import { uidFrom, uuidFrom } from './ids';
import { compareInstants } from './instants';
import { compareKeys, isOrderedStat } from './ranking';
import { colourSaliency, rampColour } from './saliency';
import { makeRow } from './testing';
import { measureWait, wordAgo, wordMinutes } from './wait';
import { rangeOf, windowOf } from './windows';

describe('instants', () => {
  it('are told apart to the microsecond, whatever digits they carry', () => {
    const plain = '2026-11-21T10:00:00Z';
    expect(compareInstants(plain, '2026-11-21T10:00:00.000001Z')).toBeLessThan(0);
    expect(compareInstants('2026-11-21T10:00:00.1Z', '2026-11-21T10:00:00.100000Z')).toBe(
      0,
    );
    expect(compareInstants('2026-11-21T11:00:00+01:00', plain)).toBe(0);
  });
});

describe('ranking', () => {
  it('goes by class, then due time, then arrival, then id', () => {
    const keys = [
      [2, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'a'],
      [0, '2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z', 'b'],
      [2, '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z', 'c'],
      [2, '2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z', 'd'],
    ] as const;
    const order = [...keys].sort(compareKeys).map((key) => key[3]);
    expect(order).toEqual(['b', 'c', 'd', 'a']);
  });
  it('knows a STAT that a clinician ordered', () => {
    const row = makeRow({ id: 'x', band: 'STAT', band_source: 'clinician' });
    expect(isOrderedStat(row)).toBe(true);
    expect(isOrderedStat({ ...row, band_source: 'ai' })).toBe(false);
    expect(isOrderedStat({ ...row, state: 'leased' })).toBe(false);
  });
});

describe('waiting', () => {
  const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);
  const wait = (now: string) =>
    measureWait('2026-11-21T10:00:00Z', '2026-11-21T10:30:00Z', at(now));
  it('is fine, near, then over its deadline', () => {
    expect(wait('10:12:30')).toMatchObject({ minutes: 12, allowed: 30, state: 'fine' });
    expect(wait('10:17:00').state).toBe('near');
    expect(wait('10:34:10')).toMatchObject({ over: 4, share: 1, state: 'over' });
  });
  it('is said in few words', () => {
    expect([0, 59, 60, 64, 480, 1440, 3120].map(wordMinutes)).toEqual([
      '0 min',
      '59 min',
      '1 h',
      '1 h 04',
      '8 h',
      '24 h',
      '2 d 4 h',
    ]);
    expect(wordAgo('2026-11-21T10:00:00Z', at('10:00:02'))).toBe('2 s');
    expect(wordAgo('2026-11-21T10:00:00Z', at('10:05:00'))).toBe('5 min');
  });
});

describe('filters', () => {
  const row = makeRow({ id: 'x' });
  const early = Date.parse('2026-11-21T09:59:59Z');
  const late = Date.parse('2026-11-21T10:00:01Z');
  const holds = (change: Partial<Filters>, one = row, now = early) =>
    fits(one, { ...NO_FILTERS, ...change }, now);
  const person = { id: 'u1', display_name: 'Dr. X', initials: 'X' };
  const meant = (mine: boolean) => ({
    ...row,
    assignee: { person, mine, at: '2026-11-21T09:00:00Z' },
  });

  it('are or within a field and and between fields', () => {
    expect(holds({ modality: ['CT', 'MR'] })).toBe(true);
    expect(holds({ modality: ['CT'], band: ['STAT'] })).toBe(false);
    expect(holds({ q: 'acc1 pneu' })).toBe(true);
    expect(holds({}, { ...row, state: 'done' })).toBe(false);
  });
  it('know each modality of a study', () => {
    const both = { ...row, study: { ...row.study, modality: 'CT/PT' } };
    expect(holds({ modality: ['PT'] }, both)).toBe(true);
    expect(holds({ modality: ['MR'] }, both)).toBe(false);
  });
  it('show what is signed and waits for me, instead of what is to be read', () => {
    const said = {
      state: 'waiting',
      asked_at: row.arrived_at,
      decided_at: null,
      decided_by: '',
      reason: '',
      signed_by: 'R',
      mine: false,
    } as const;
    const done = { ...row, state: 'done', preliminary: said } as const;
    expect(holds({}, done)).toBe(false);
    expect(holds({ to_verify: true }, done)).toBe(true);
    expect(holds({ to_verify: true }, { ...done, preliminary: null })).toBe(false);
    expect(holds({ to_verify: true })).toBe(false);
  });
  it('narrow to what is late', () => {
    expect(holds({ past_deadline: true })).toBe(false);
    expect(holds({ past_deadline: true }, row, late)).toBe(true);
  });
  it('narrow to what is mine, or meant for somebody, or for nobody', () => {
    expect(holds({ mine: true })).toBe(false);
    expect(holds({ mine: true }, meant(true))).toBe(true);
    expect(holds({ mine: true }, meant(false))).toBe(false);
    expect(holds({ assignee: 'u1' }, meant(false))).toBe(true);
    expect(holds({ assignee: 'nobody' }, meant(false))).toBe(false);
    expect(holds({ assignee: 'nobody' })).toBe(true);
  });
});

describe('hotkeys', () => {
  const plain = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  it('have one name each', () => {
    expect(nameStroke({ ...plain, key: 'J', shiftKey: true })).toBe('Shift+j');
    expect(nameStroke({ ...plain, key: '?', shiftKey: true })).toBe('?');
    expect(nameStroke({ ...plain, key: 'Enter', metaKey: true })).toBe('Ctrl+Enter');
    expect(nameStroke({ ...plain, key: 'Tab', shiftKey: true })).toBe('Shift+Tab');
  });
  it('are printed as on the key', () => {
    expect(printHotkey('Ctrl+Enter')).toBe('Ctrl Enter');
    expect(printHotkey('ArrowUp')).toBe('↑');
    expect(printHotkey('+')).toBe('+');
  });
});

describe('figures', () => {
  it('never round a probability up to certainty', () => {
    const shown = [0.914, 0.9962, 0.0031, 0, 1].map(formatProbability);
    expect(shown).toEqual(['0.91', '>0.99', '<0.01', '0.00', '1.00']);
  });
  it('have a true minus sign and grouping', () => {
    expect(formatSigned(-184)).toBe('−184');
    expect(formatInteger(1204)).toBe('1,204');
    expect(formatDate('20261121')).toBe('21 Nov 2026');
  });
});

describe('ids', () => {
  it('are a DICOM UID and a version 4 UUID', () => {
    const bytes = Uint8Array.from({ length: 16 }, () => 255);
    expect(uidFrom(bytes)).toBe('2.25.340282366920938463463374607431768211455');
    expect(uuidFrom(bytes)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
  });
});

describe('windows', () => {
  it('are DICOM’s linear function both ways', () => {
    expect(rangeOf({ width: 400, level: 40 })).toEqual({ lower: -160, upper: 239 });
    expect(windowOf(rangeOf({ width: 700, level: 100 }))).toEqual({
      width: 700,
      level: 100,
    });
  });
});

describe('saliency', () => {
  it('has the ramp’s ends and shows nothing under the cut-off', () => {
    expect(rampColour(0)).toEqual([0x3b, 0x1a, 0x73]);
    expect(rampColour(1)).toEqual([0xfd, 0xf0, 0xa0]);
    const rgba = colourSaliency(Uint8ClampedArray.from([0, 70, 255]), 0.3);
    expect([rgba[3], rgba[7]]).toEqual([0, 0]);
    expect(rgba[11]).toBeGreaterThan(100);
  });
});

describe('coming back', () => {
  it('waits longer each time, up to a top', () => {
    expect(backOff(0, 0.5)).toBe(500);
    expect(backOff(3, 0.5)).toBe(4000);
    expect(backOff(50, 0.99)).toBeLessThanOrEqual(18_750);
  });
  it('reads the nearest images first, ahead before behind', () => {
    expect(nearestFirst(6, 2)).toEqual([2, 3, 1, 4, 5, 0]);
  });
});

describe('sizes and spans', () => {
  it('keep two digits and never say 1000', () => {
    const sizes = [0, 999, 1000, 9_949, 9_960, 999_499, 999_500, 1.44e9];
    expect(sizes.map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '9.9 kB',
      '10 kB',
      '999 kB',
      '1.0 MB',
      '1.4 GB',
    ]);
    expect([0.2, 59, 61, 3599, 7500].map(formatSpan)).toEqual([
      '1 s',
      '59 s',
      '1 min',
      '1 h 00',
      '2 h 05',
    ]);
  });
});
