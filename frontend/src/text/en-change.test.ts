import { describe, expect, it } from 'vitest';
import type { LesionChange } from '@/domain/model';
import { change } from './en-change';

const GROWN: LesionChange = {
  finding_id: 'f',
  label: { scheme: 'SCT', code: '1386000', display: 'Intracranial haemorrhage' },
  tracking_uid: '2.25.1',
  kind: 'grown',
  now: { volume_ml: 18, diameter_mm: 33.4 },
  // biome-ignore lint/suspicious/noThenProperty: a size, as the portal names it
  then: { volume_ml: 11, diameter_mm: 28.2 },
  now_at: null,
  then_at: null,
  change_ml: 7,
  percent: 63.6,
  percent_low: 23.04,
  percent_high: 117.6,
  doubling_days: 39.6,
  repeatability: { percent: 33, least_ml: 0.5, source: 'a setting' },
};

describe('what became of a lesion', () => {
  it('says both sizes, the change and how sure it is', () => {
    expect(change.line(GROWN)).toBe('18.0 ml, was 11.0 ml: grown by 64% (+23% to +118%)');
    expect(change.more(GROWN)).toBe(
      '33 mm wide, was 28 mm · at this pace doubled in 40 days',
    );
    expect(change.rule(GROWN)).toBe('A change counts from 33% and 0.5 ml on: a setting');
  });

  it('calls what measuring may feign unchanged', () => {
    const one = {
      ...GROWN,
      kind: 'unchanged' as const,
      percent: -2,
      percent_low: -26,
      percent_high: 30,
      doubling_days: null,
    };
    expect(change.line(one)).toBe('18.0 ml, was 11.0 ml: unchanged (−26% to +30%)');
    expect(change.more(one)).toBe('33 mm wide, was 28 mm');
  });

  it('says what is new and what has gone', () => {
    const none = { percent: null, percent_low: null, percent_high: null };
    // biome-ignore lint/suspicious/noThenProperty: a size, as the portal names it
    expect(change.line({ ...GROWN, ...none, kind: 'new', then: null })).toBe(
      'New: 18.0 ml, nothing there then',
    );
    expect(change.line({ ...GROWN, ...none, kind: 'resolved', now: null })).toBe(
      'Gone: was 11.0 ml, now nothing',
    );
    const gone = { ...GROWN, ...none, now: null, doubling_days: null };
    expect(change.more(gone)).toBe('28 mm wide');
  });
});
