import { describe, expect, it } from 'vitest';
import type { Report } from './model';
import { copyInto, keepWords, writeSection } from './report';

const draft = (...texts: string[]): Report => ({
  template: { code: 'general', version: 0, name: 'General' },
  sections: texts.map((text, n) => ({
    key: `s${n}`,
    title: `S${n}`,
    text,
    edited: false,
  })),
  codes: [],
});
const textsOf = ({ sections }: Report) => sections.map(({ text }) => text);

describe('drafting again', () => {
  it('keeps what the reader wrote and renews the rest', () => {
    const before = writeSection(draft('a', 'b'), 's1', 'mine');
    expect(textsOf(keepWords(draft('A', 'B'), before))).toEqual(['A', 'mine']);
  });

  it('loses no words when the template changed', () => {
    const before = writeSection(draft('a', 'b'), 's1', 'mine');
    expect(textsOf(keepWords(draft('A'), before))).toEqual(['A', 'mine']);
  });

  it('is the fresh one where nothing was written', () => {
    expect(keepWords(draft('A'), null)).toEqual(draft('A'));
  });
});

describe('copying from an earlier report', () => {
  it('adds to the section of that title, after what stands there', () => {
    const before = { report: draft('a', ''), impression: 'mine' };
    const one = copyInto(before, 's0', 'old');
    expect(one.report && textsOf(one.report)).toEqual(['a\nold', '']);
    expect(one.report?.sections[0]?.edited).toBe(true);
    const two = copyInto(before, 'S1', 'old');
    expect(two.report && textsOf(two.report)).toEqual(['a', 'old']);
    expect(two.impression).toBe('mine');
  });

  it('adds to the impression where there is no such section', () => {
    const before = { report: draft('a'), impression: 'mine' };
    expect(copyInto(before, 'Impression', 'old')).toEqual({
      report: before.report,
      impression: 'mine\nold',
    });
    expect(copyInto({ report: null, impression: '' }, 'S0', 'old').impression).toBe(
      'old',
    );
  });
});
