import { describe, expect, it } from 'vitest';
import type { Report } from './model';
import { keepWords, writeSection } from './report';

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
