import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accept,
  type DraftAction,
  EMPTY_CONTENT,
  modify,
  reduceDraft,
  reject,
  sameContent,
  startDraft,
  unanswered,
} from './draft';
import type { Annotation } from './model';
import type { Segmentation } from './segment/model';
import { makeFinding } from './testing';

const mark = (id: string): Annotation => ({
  id,
  tracking_uid: '2.25.1',
  label: { scheme: 'SCT', code: '1', display: 'Nodule' },
  geometry: {
    kind: 'box',
    space: 'image',
    sop_uid: '1.2',
    frame: 1,
    frame_of_reference_uid: null,
    points: [
      [0, 0],
      [4, 4],
    ],
  },
  text: '',
  missed_by_ai: true,
});

const segmentation = (sha: string): Segmentation => ({
  id: '0',
  series_uid: '1.2',
  frame_of_reference_uid: null,
  rows: 1,
  columns: 1,
  segments: [],
  slices: { '1.2.3#1': sha },
});

const id = fc.constantFrom('a', 'b', 'c');
const action: fc.Arbitrary<DraftAction> = fc.oneof(
  id.map((finding) => ({ type: 'answer', finding, verdict: accept() }) as const),
  id.map((finding) => ({ type: 'withdraw', finding }) as const),
  id.map((one) => ({ type: 'add', annotation: mark(one) }) as const),
  id.map((one) => ({ type: 'remove', id: one }) as const),
  id.map((one) => ({ type: 'change', id: one, with: { text: 'seen' } }) as const),
  id.map((one) => ({ type: 'segment', segmentations: [segmentation(one)] }) as const),
  fc.constant({ type: 'segment', segmentations: [] } as const),
);

describe('a draft', () => {
  it('has no segmentations at all when it has none', () => {
    const start = startDraft(EMPTY_CONTENT);
    const some = reduceDraft(start, {
      type: 'segment',
      segmentations: [segmentation('a')],
    });
    expect(some.content.segmentations?.[0]?.slices).toEqual({ '1.2.3#1': 'a' });
    const none = reduceDraft(some, { type: 'segment', segmentations: [] });
    expect(none.content).toEqual(EMPTY_CONTENT);
    expect(reduceDraft(some, { type: 'undo' }).content).toEqual(EMPTY_CONTENT);
  });
  it('comes back to its start by undo, and forth again by redo', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 30 }), (actions) => {
        const start = startDraft(EMPTY_CONTENT);
        const done = actions.reduce(reduceDraft, start);
        let back = done;
        while (back.past.length > 0) back = reduceDraft(back, { type: 'undo' });
        expect(back.content).toEqual(EMPTY_CONTENT);
        let forth = back;
        while (forth.future.length > 0) forth = reduceDraft(forth, { type: 'redo' });
        expect(forth.content).toEqual(done.content);
      }),
    );
  });

  it('keeps the impression through undo: the text field has its own', () => {
    let draft = startDraft(EMPTY_CONTENT);
    draft = reduceDraft(draft, { type: 'answer', finding: 'f', verdict: accept() });
    draft = reduceDraft(draft, { type: 'write', impression: 'Clear.' });
    draft = reduceDraft(draft, { type: 'undo' });
    expect(draft.content).toEqual({
      verdicts: {},
      annotations: [],
      impression: 'Clear.',
    });
  });

  it('is the same object when nothing changes', () => {
    const draft = startDraft(EMPTY_CONTENT);
    expect(reduceDraft(draft, { type: 'remove', id: 'none' })).toBe(draft);
    expect(reduceDraft(draft, { type: 'withdraw', finding: 'none' })).toBe(draft);
    expect(reduceDraft(draft, { type: 'write', impression: '' })).toBe(draft);
    expect(reduceDraft(draft, { type: 'undo' })).toBe(draft);
  });

  it('forgets the future when something new is said', () => {
    let draft = startDraft(EMPTY_CONTENT);
    draft = reduceDraft(draft, { type: 'answer', finding: 'f', verdict: accept() });
    draft = reduceDraft(draft, { type: 'undo' });
    draft = reduceDraft(draft, { type: 'add', annotation: mark('m') });
    expect(draft.future).toEqual([]);
  });
});

describe('answers', () => {
  it('say what each kind needs', () => {
    expect(reject('artefact', 'ECG lead').reason_code).toBe('artefact');
    expect(modify(mark('m').geometry, null)).toMatchObject({
      verdict: 'modify',
      reason_code: '',
      geometry: { kind: 'box' },
    });
  });
  it('leave the others waiting, in order', () => {
    const findings = ['a', 'b', 'c'].map((one) => makeFinding(one));
    const content = { ...EMPTY_CONTENT, verdicts: { b: accept() } };
    expect(unanswered(findings, content).map((one) => one.id)).toEqual(['a', 'c']);
  });
});

describe('sameContent', () => {
  it('looks at what is said, not at the order of keys', () => {
    const a = { ...EMPTY_CONTENT, verdicts: { x: accept(), y: reject('other', 'no') } };
    const b = {
      impression: '',
      annotations: [],
      verdicts: { y: reject('other', 'no'), x: accept() },
    };
    expect(sameContent(a, b)).toBe(true);
    expect(sameContent(a, EMPTY_CONTENT)).toBe(false);
  });
});
