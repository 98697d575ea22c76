import { sameContent } from './draft';
import type { Annotation, Content, ForeignAnswer, Verdict } from './model';
import type { Segmentation } from './segment/model';

/** One thing that two drafts of a reading say differently; null says nothing. */
export type Difference =
  | {
      readonly kind: 'verdict';
      readonly key: string;
      readonly mine: Verdict | null;
      readonly theirs: Verdict | null;
    }
  | {
      readonly kind: 'foreign';
      readonly key: string;
      readonly mine: ForeignAnswer | null;
      readonly theirs: ForeignAnswer | null;
    }
  | {
      readonly kind: 'mark';
      readonly key: string;
      readonly mine: Annotation | null;
      readonly theirs: Annotation | null;
    }
  | {
      readonly kind: 'segmentation';
      /** The series that is segmented. */
      readonly key: string;
      readonly mine: Segmentation | null;
      readonly theirs: Segmentation | null;
    }
  | {
      readonly kind: 'impression';
      readonly key: 'impression';
      readonly mine: string;
      readonly theirs: string;
    };

export type Side = 'mine' | 'theirs';

const same = (a: unknown, b: unknown) =>
  sameContent({ '': a } as unknown as Content, { '': b } as unknown as Content);

const byId = ({ annotations }: Content) =>
  new Map(annotations.map((one) => [one.id, one]));

const bySeries = ({ segmentations = [] }: Content) =>
  new Map(segmentations.map((one) => [one.series_uid, one]));

/** What two drafts say differently: answers, marks, segmentations, the impression. */
export function differences(mine: Content, theirs: Content): readonly Difference[] {
  const verdicts = keysOf(Object.keys(mine.verdicts), Object.keys(theirs.verdicts)).map(
    (key): Difference => ({
      kind: 'verdict',
      key,
      mine: mine.verdicts[key] ?? null,
      theirs: theirs.verdicts[key] ?? null,
    }),
  );
  const [here, there] = [mine.foreign ?? {}, theirs.foreign ?? {}];
  const foreign = keysOf(Object.keys(here), Object.keys(there)).map(
    (key): Difference => ({
      kind: 'foreign',
      key,
      mine: here[key] ?? null,
      theirs: there[key] ?? null,
    }),
  );
  const [ours, others] = [byId(mine), byId(theirs)];
  const marks = keysOf([...ours.keys()], [...others.keys()]).map(
    (key): Difference => ({
      kind: 'mark',
      key,
      mine: ours.get(key) ?? null,
      theirs: others.get(key) ?? null,
    }),
  );
  const [segments, otherSegments] = [bySeries(mine), bySeries(theirs)];
  const segmentations = keysOf([...segments.keys()], [...otherSegments.keys()]).map(
    (key): Difference => ({
      kind: 'segmentation',
      key,
      mine: segments.get(key) ?? null,
      theirs: otherSegments.get(key) ?? null,
    }),
  );
  const words: Difference = {
    kind: 'impression',
    key: 'impression',
    mine: mine.impression,
    theirs: theirs.impression,
  };
  return [...verdicts, ...foreign, ...marks, ...segmentations, words].filter(
    (one) => !same(one.mine, one.theirs),
  );
}

const keysOf = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])];

/**
 * What is taken unless the reader says otherwise: what only one side has is kept; where
 * both say something and not the same, nothing is preselected.
 */
export function firstChoice({ mine, theirs }: Difference): Side | null {
  if (mine === null || mine === '') return 'theirs';
  if (theirs === null || theirs === '') return 'mine';
  return null;
}

/** One draft of two: `choose` names the side for each difference. */
export function mergeContents(
  mine: Content,
  theirs: Content,
  choose: (difference: Difference) => Side,
): Content {
  return differences(mine, theirs).reduce(
    (content, one) => (choose(one) === 'mine' ? content : take(content, one)),
    mine,
  );
}

/** Takes the other side of one difference. */
function take(content: Content, one: Difference): Content {
  switch (one.kind) {
    case 'impression':
      return { ...content, impression: one.theirs };
    case 'verdict': {
      const { [one.key]: _mine, ...verdicts } = content.verdicts;
      return {
        ...content,
        verdicts: one.theirs ? { ...verdicts, [one.key]: one.theirs } : verdicts,
      };
    }
    case 'foreign': {
      const { [one.key]: _mine, ...answers } = content.foreign ?? {};
      const foreign = one.theirs ? { ...answers, [one.key]: one.theirs } : answers;
      const { foreign: _all, ...rest } = content;
      return Object.keys(foreign).length > 0 ? { ...rest, foreign } : rest;
    }
    case 'mark':
      return { ...content, annotations: takeMark(content.annotations, one) };
    case 'segmentation':
      return takeSegmentation(content, one);
  }
}

function takeSegmentation(
  content: Content,
  { key, theirs }: Extract<Difference, { kind: 'segmentation' }>,
): Content {
  const { segmentations = [], ...rest } = content;
  const others = segmentations.filter(({ series_uid }) => series_uid !== key);
  const all = theirs ? [...others, theirs] : others;
  return all.length > 0 ? { ...rest, segmentations: all } : rest;
}

function takeMark(
  marks: readonly Annotation[],
  { key, mine, theirs }: Extract<Difference, { kind: 'mark' }>,
): readonly Annotation[] {
  if (!theirs) return marks.filter((one) => one.id !== key);
  if (!mine) return [...marks, theirs];
  return marks.map((one) => (one.id === key ? theirs : one));
}
