import { describe, expect, it } from 'vitest';
import { accept, EMPTY_CONTENT, reject } from './draft';
import { differences, firstChoice, mergeContents } from './merge';
import type { Annotation, Content } from './model';
import type { Segmentation } from './segment/model';

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

describe('segmentations of two drafts', () => {
  const segmentation = (series: string, sha: string): Segmentation => ({
    id: series,
    series_uid: series,
    frame_of_reference_uid: null,
    rows: 1,
    columns: 1,
    segments: [],
    slices: { 'u#1': sha },
  });
  const mine = of({ segmentations: [segmentation('1', 'a'), segmentation('2', 'b')] });
  const theirs = of({ segmentations: [segmentation('2', 'c'), segmentation('3', 'd')] });

  it('are chosen series by series', () => {
    const found = differences(mine, theirs);
    expect(found.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'segmentation 1',
      'segmentation 2',
      'segmentation 3',
    ]);
    expect(found.map(firstChoice)).toEqual(['mine', null, 'theirs']);
    const merged = mergeContents(mine, theirs, (one) => firstChoice(one) ?? 'theirs');
    expect(merged.segmentations?.map(({ slices }) => slices['u#1'])).toEqual([
      'a',
      'c',
      'd',
    ]);
  });
  it('are left out when none is taken', () => {
    const merged = mergeContents(of({}), theirs, () => 'mine');
    expect('segmentations' in merged).toBe(false);
  });
});
