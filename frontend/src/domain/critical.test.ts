import { describe, expect, it } from 'vitest';
import { criticalStatements, localMoment } from './critical';
import { accept, EMPTY_CONTENT, modify, reject } from './draft';
import type { Content, Finding } from './model';

const CODES = new Set(['36118008']);
const pneumothorax = { scheme: 'SCT', code: '36118008', display: 'Pneumothorax' };
const pneumonia = { scheme: 'SCT', code: '233604007', display: 'Pneumonia' };

const finding = (positive: boolean, label = pneumothorax): Finding => ({
  id: 'f',
  label,
  probability: 0.5,
  raw_score: 0,
  uncertainty: null,
  needs_specialist: false,
  threshold: 0.5,
  positive,
  acuity: label === pneumothorax ? 'critical' : 'urgent',
  location: null,
  saliency: null,
  explanation: null,
  mask: null,
});
const said = (verdicts: Content['verdicts']): Content => ({ ...EMPTY_CONTENT, verdicts });

describe('what somebody has to be told of', () => {
  it.each([
    [true, accept(), 1],
    [true, reject('not_present', ''), 0],
    [false, accept(), 0],
    [false, reject('other', 'it is there'), 1],
    [false, modify(null, pneumothorax), 1],
    [true, modify(null, pneumonia), 0],
  ])('is what the reader says, not the model (%s, %o)', (positive, verdict, n) => {
    const found = criticalStatements([finding(positive)], said({ f: verdict }), CODES);
    expect(found).toHaveLength(n);
  });

  it('is nothing before the answer, and nothing that is not critical', () => {
    expect(criticalStatements([finding(true)], EMPTY_CONTENT, CODES)).toEqual([]);
    const urgent = finding(true, pneumonia);
    expect(criticalStatements([urgent], said({ f: accept() }), CODES)).toEqual([]);
  });

  it('is called by the changed label', () => {
    const found = criticalStatements(
      [finding(true, pneumonia)],
      said({ f: modify(null, pneumothorax) }),
      CODES,
    );
    expect(found).toEqual([{ source: 'f', display: 'Pneumothorax', places: 1 }]);
  });

  it('is asked once of a label, however many places it was found at', () => {
    const places = ['f', 'g'].map((id) => ({ ...finding(true), id }));
    const mark = { id: 'm', label: pneumothorax } as Content['annotations'][number];
    const content = { ...said({ f: accept(), g: accept() }), annotations: [mark] };
    expect(criticalStatements(places, content, CODES)).toEqual([
      { source: 'f', display: 'Pneumothorax', places: 3 },
    ]);
  });
});

describe('a moment in a field', () => {
  it('comes back as the same minute', () => {
    const at = Date.parse('2026-03-29T00:59:00Z');
    expect(new Date(localMoment(at)).getTime()).toBe(at);
  });
});
