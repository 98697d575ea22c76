import { describe, expect, it } from 'vitest';
import { accept, EMPTY_CONTENT, reject } from './draft';
import { differences, firstChoice, mergeContents } from './merge';
import type { Annotation, Content } from './model';

const mark = (id: string, text = '') =>
  ({ id, text, label: { scheme: 's', code: 'c', display: 'd' } }) as Annotation;
const of = (content: Partial<Content>): Content => ({ ...EMPTY_CONTENT, ...content });

describe('two drafts of one reading', () => {
  const mine = of({
    verdicts: { f: accept(), same: accept() },
    annotations: [mark('a'), mark('both', 'mine')],
    impression: 'Mine.',
  });
  const theirs = of({
    verdicts: { f: reject('artefact', ''), same: accept(), g: accept() },
    annotations: [mark('both', 'theirs'), mark('b')],
    impression: 'Theirs.',
  });

  it('are told apart, part by part', () => {
    const found = differences(mine, theirs).map(({ kind, key }) => `${kind} ${key}`);
    expect(found).toEqual([
      'verdict f',
      'verdict g',
      'mark a',
      'mark both',
      'mark b',
      'impression impression',
    ]);
    expect(differences(mine, mine)).toEqual([]);
  });
  it('keep what one side alone has, and choose nothing where both speak', () => {
    const chosen = differences(mine, theirs).map(firstChoice);
    expect(chosen).toEqual([null, 'theirs', 'mine', null, 'theirs', null]);
  });
  it('become one as the reader chooses', () => {
    const merged = mergeContents(mine, theirs, (one) => firstChoice(one) ?? 'theirs');
    expect(merged.verdicts).toEqual(theirs.verdicts);
    expect(merged.annotations.map(({ id, text }) => id + text)).toEqual([
      'a',
      'boththeirs',
      'b',
    ]);
    expect(merged.impression).toBe('Theirs.');
  });
  it('keep the answers to objects from PACS of either side', () => {
    const answered = of({ foreign: { '1#a': { verdict: 'accept' } as never } });
    const other = of({ foreign: { '2#b': { verdict: 'reject' } as never } });
    const merged = mergeContents(answered, other, (one) => firstChoice(one) ?? 'mine');
    expect(Object.keys(merged.foreign ?? {})).toEqual(['1#a', '2#b']);
    const theirs = mergeContents(answered, other, () => 'theirs');
    expect(differences(theirs, other)).toEqual([]);
  });
  it('are either of them where one side is taken throughout', () => {
    expect(mergeContents(mine, theirs, () => 'mine')).toEqual(mine);
    expect(
      differences(
        mergeContents(mine, theirs, () => 'theirs'),
        theirs,
      ),
    ).toEqual([]);
  });
  it('lose nothing that the other side has and this one does not', () => {
    const empty = of({});
    const merged = mergeContents(empty, theirs, (one) => firstChoice(one) ?? 'mine');
    expect(differences(merged, theirs)).toEqual([]);
  });
});
