import { describe, expect, it } from 'vitest';
import {
  earlierRow,
  listOfLines,
  listOfWords,
  meantBy,
  objectOf,
  paramsOf,
  partOf,
  readParams,
  rowsOf,
  shortNumber,
  textOf,
  withPart,
} from './model-card';

describe('the card of a model', () => {
  it('takes a value at a path, and loses what is empty', () => {
    const card = withPart({ name: 'a' }, 'input.modalities', ['DX']);
    expect(card).toEqual({ name: 'a', input: { modalities: ['DX'] } });
    expect(partOf(card, 'input.modalities')).toEqual(['DX']);
    expect(withPart(card, 'input.modalities', [])).toEqual({ name: 'a' });
    expect(withPart(card, 'name', '')).toEqual({ input: { modalities: ['DX'] } });
    expect(partOf(card, 'name.x')).toBeUndefined();
  });

  it('moves a row forward, and the first not at all', () => {
    const rows = [{ name: 'T2' }, { name: 'ADC' }, { name: 'DWI' }];
    const names = (found: readonly unknown[]) =>
      found.map((row) => (row as { name: string }).name);
    expect(names(earlierRow(rows, 2))).toEqual(['T2', 'DWI', 'ADC']);
    expect(names(earlierRow(rows, 1))).toEqual(['ADC', 'T2', 'DWI']);
    expect(earlierRow(rows, 0)).toBe(rows);
  });

  it('keeps a number that is nought, and what is false', () => {
    expect(withPart({}, 'input.age_years.min', 0)).toEqual({
      input: { age_years: { min: 0 } },
    });
    expect(withPart({}, 'input.synthetic', false)).toEqual({
      input: { synthetic: false },
    });
  });

  it('reads performance as words or as an object', () => {
    expect(meantBy('AUROC 0.9 [0.8–1.0]')).toBe('AUROC 0.9 [0.8–1.0]');
    expect(meantBy('{"auroc": 0.9}')).toEqual({ auroc: 0.9 });
    expect(meantBy('{half')).toBe('{half');
    expect(textOf({ auroc: 0.9 })).toContain('0.9');
    expect(objectOf('[1]')).toBeNull();
  });

  it('reads lists as they are typed', () => {
    expect(listOfWords('dx, CR')).toEqual(['DX', 'CR']);
    expect(listOfLines('Not for adults.\nNot for\n')).toEqual([
      'Not for adults.',
      'Not for',
    ]);
    expect(rowsOf({ labels: [{ code: '1' }, 'x'] }, 'labels')).toEqual([{ code: '1' }]);
  });

  it('reads the parameters of a step', () => {
    expect(readParams('height 224, width=224')).toEqual({ height: 224, width: 224 });
    expect(readParams('spacing_mm [1, 2, 3]')).toEqual({ spacing_mm: [1, 2, 3] });
    expect(readParams('height many')).toBeNull();
    expect(readParams('')).toEqual({});
    const step = { name: 'normalise', mean: [0.5, 0.4], std: 1 };
    expect(readParams(paramsOf(step))).toEqual({ mean: [0.5, 0.4], std: 1 });
  });

  it('says figures in a few digits', () => {
    expect(shortNumber(2.384185791015625e-7)).toBe('2.4e-7');
    expect(shortNumber(undefined)).toBe('?');
  });
});
