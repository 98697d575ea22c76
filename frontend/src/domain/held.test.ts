import { describe, expect, it } from 'vitest';
import { compareHeaders, pairPictures, untilRetry } from './held';

const SAID = {
  patient_name: 'Phantom^One',
  patient_id: 'PH-1',
  birth_date: '1970-01-02',
  sex: 'F',
  study_date: null,
  study_description: 'Chest',
  series_description: '',
  accession_number: 'A1',
  modality: 'DX',
  station: 'ROOM2',
  rows: 2500,
  columns: 2048,
};

describe('untilRetry', () => {
  const now = Date.parse('2026-11-21T10:00:00Z');

  it('rounds up, so that a try is never promised too early', () => {
    expect(untilRetry('2026-11-21T10:00:01Z', now)).toBe('1 min');
    expect(untilRetry('2026-11-21T11:04:00Z', now)).toBe('1 h 04');
  });

  it('is nothing once the try is due', () => {
    expect(untilRetry('2026-11-21T10:00:00Z', now)).toBeNull();
    expect(untilRetry('2026-11-21T09:00:00Z', now)).toBeNull();
  });
});

describe('compareHeaders', () => {
  it('marks exactly what both sides say differently', () => {
    const other = { ...SAID, patient_id: 'PH-2', birth_date: '1970-01-03', rows: 2501 };
    const lines = compareHeaders(SAID, other);
    const marked = lines.filter((line) => line.differs).map((line) => line.field);
    expect(marked).toEqual(['patient_id', 'birth_date', 'size']);
    const born = lines.find((line) => line.field === 'birth_date');
    expect(born).toMatchObject({ there: '02 Jan 1970', arrived: '03 Jan 1970' });
    expect(lines.at(-1)).toMatchObject({ there: '2048 × 2500' });
  });

  it('says nothing for a side that is not known, and marks nothing', () => {
    const lines = compareHeaders(null, SAID);
    expect(lines.some((line) => line.differs)).toBe(false);
    expect(lines.every((line) => line.there === null)).toBe(true);
  });

  it('tells an empty value from an unknown side', () => {
    const lines = compareHeaders({ ...SAID, accession_number: '' }, SAID);
    const line = lines.find((one) => one.field === 'accession_number');
    expect(line).toEqual({
      field: 'accession_number',
      there: '',
      arrived: 'A1',
      differs: true,
    });
  });
});

describe('pairPictures', () => {
  it('sets the same UID beside itself, whatever the order', () => {
    expect(pairPictures(['1', '2'], ['2', '1'])).toEqual([
      { there: '2', arrived: '2' },
      { there: '1', arrived: '1' },
    ]);
  });

  it('sets the rest side by side in order, and loses none', () => {
    expect(pairPictures(['1', '2', '3'], ['3', '9'])).toEqual([
      { there: '3', arrived: '3' },
      { there: '1', arrived: '9' },
      { there: '2', arrived: null },
    ]);
    expect(pairPictures([], [])).toEqual([]);
  });
});
