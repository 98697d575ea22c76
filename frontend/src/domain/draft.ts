import type {
  Annotation,
  Content,
  Finding,
  ForeignAnswer,
  Geometry,
  Id,
  Report,
  Verdict,
} from './model';
import type { Segmentation } from './segment/model';

/** A reading being written: what is said now, and the way back and forth. */
export interface Draft {
  readonly content: Content;
  readonly past: readonly Marks[];
  readonly future: readonly Marks[];
}

/** The part of the content that undo and redo restore; text has the field's own. */
type Marks = Pick<Content, 'verdicts' | 'annotations' | 'foreign' | 'segmentations'>;

export type DraftAction =
  | { readonly type: 'answer'; readonly finding: Id; readonly verdict: Verdict }
  | { readonly type: 'withdraw'; readonly finding: Id }
  | {
      readonly type: 'answer-foreign';
      readonly id: string;
      /** Null takes the answer back. */
      readonly answer: ForeignAnswer | null;
    }
  | { readonly type: 'add'; readonly annotation: Annotation }
  | {
      readonly type: 'change';
      readonly id: Id;
      readonly with: Partial<
        Pick<Annotation, 'geometry' | 'label' | 'text' | 'measured'>
      >;
    }
  | { readonly type: 'annotate'; readonly annotations: readonly Annotation[] }
  | { readonly type: 'segment'; readonly segmentations: readonly Segmentation[] }
  | { readonly type: 'remove'; readonly id: Id }
  | { readonly type: 'write'; readonly impression: string }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'undo' }
  | { readonly type: 'redo' }
  | { readonly type: 'replace'; readonly content: Content };

export const EMPTY_CONTENT: Content = { verdicts: {}, annotations: [], impression: '' };

/** Steps that undo reaches back. */
const DEPTH = 100;

export function startDraft(content: Content): Draft {
  return { content, past: [], future: [] };
}

const marksOf = (content: Content): Marks => ({
  verdicts: content.verdicts,
  annotations: content.annotations,
  ...(content.foreign ? { foreign: content.foreign } : {}),
  ...(content.segmentations ? { segmentations: content.segmentations } : {}),
});

/** The content with other marks; what there is none of is not in it at all. */
function withMarks(content: Content, marks: Marks): Content {
  const { foreign: _answers, segmentations: _segmentations, ...rest } = content;
  return { ...rest, ...marks };
}

function segment(draft: Draft, segmentations: readonly Segmentation[]): Draft {
  const { segmentations: _before, ...marks } = marksOf(draft.content);
  const now = segmentations.length > 0 ? { ...marks, segmentations } : marks;
  return {
    content: withMarks(draft.content, now),
    past: [...draft.past, marksOf(draft.content)].slice(-DEPTH),
    future: [],
  };
}

function answerForeign(draft: Draft, id: string, answer: ForeignAnswer | null): Draft {
  const { [id]: before, ...rest } = draft.content.foreign ?? {};
  if (answer === null && before === undefined) return draft;
  const { foreign: _gone, ...marks } = marksOf(draft.content);
  const answers = answer === null ? rest : { ...rest, [id]: answer };
  const foreign = Object.keys(answers).length > 0 ? { foreign: answers } : {};
  return {
    content: withMarks(draft.content, { ...marks, ...foreign }),
    past: [...draft.past, marksOf(draft.content)].slice(-DEPTH),
    future: [],
  };
}

function marked(draft: Draft, marks: Partial<Marks>): Draft {
  return {
    content: { ...draft.content, ...marks },
    past: [...draft.past, marksOf(draft.content)].slice(-DEPTH),
    future: [],
  };
}

function without(verdicts: Content['verdicts'], finding: Id): Content['verdicts'] {
  const { [finding]: _gone, ...rest } = verdicts;
  return rest;
}

function undo(draft: Draft): Draft {
  const last = draft.past.at(-1);
  if (!last) return draft;
  return {
    content: withMarks(draft.content, last),
    past: draft.past.slice(0, -1),
    future: [marksOf(draft.content), ...draft.future],
  };
}

function redo(draft: Draft): Draft {
  const [next, ...rest] = draft.future;
  if (!next) return draft;
  return {
    content: withMarks(draft.content, next),
    past: [...draft.past, marksOf(draft.content)],
    future: rest,
  };
}

function remove(draft: Draft, id: Id): Draft {
  const annotations = draft.content.annotations.filter((one) => one.id !== id);
  if (annotations.length === draft.content.annotations.length) return draft;
  return marked(draft, { annotations });
}

function change(draft: Draft, action: Extract<DraftAction, { type: 'change' }>): Draft {
  if (!draft.content.annotations.some((one) => one.id === action.id)) return draft;
  const annotations = draft.content.annotations.map((one) =>
    one.id === action.id ? { ...one, ...action.with } : one,
  );
  return marked(draft, { annotations });
}

function withdraw(draft: Draft, finding: Id): Draft {
  if (!(finding in draft.content.verdicts)) return draft;
  return marked(draft, { verdicts: without(draft.content.verdicts, finding) });
}

/** The next draft; an action that changes nothing answers the same object. */
export function reduceDraft(draft: Draft, action: DraftAction): Draft {
  switch (action.type) {
    case 'answer':
      return marked(draft, {
        verdicts: { ...draft.content.verdicts, [action.finding]: action.verdict },
      });
    case 'withdraw':
      return withdraw(draft, action.finding);
    case 'answer-foreign':
      return answerForeign(draft, action.id, action.answer);
    case 'add':
      return marked(draft, {
        annotations: [...draft.content.annotations, action.annotation],
      });
    case 'change':
      return change(draft, action);
    case 'annotate':
      return marked(draft, { annotations: action.annotations });
    case 'segment':
      return segment(draft, action.segmentations);
    case 'remove':
      return remove(draft, action.id);
    case 'write':
      if (action.impression === draft.content.impression) return draft;
      return { ...draft, content: { ...draft.content, impression: action.impression } };
    case 'report':
      return { ...draft, content: { ...draft.content, report: action.report } };
    case 'undo':
      return undo(draft);
    case 'redo':
      return redo(draft);
    case 'replace':
      return startDraft(action.content);
  }
}

export function accept(): Verdict {
  return {
    verdict: 'accept',
    reason_code: '',
    reason_text: '',
    label: null,
    geometry: null,
  };
}

export function reject(reasonCode: string, reasonText: string): Verdict {
  return {
    ...accept(),
    verdict: 'reject',
    reason_code: reasonCode,
    reason_text: reasonText,
  };
}

export function modify(geometry: Geometry | null, label: Verdict['label']): Verdict {
  return { ...accept(), verdict: 'modify', geometry, label };
}

/** Findings that still wait for an answer, in the order shown. */
export function unanswered(
  findings: readonly Finding[],
  content: Content,
): readonly Finding[] {
  return findings.filter((finding) => !(finding.id in content.verdicts));
}

/** The same words said: used to tell a conflict from an echo of our own save. */
export function sameContent(a: Content, b: Content): boolean {
  return stable(a) === stable(b);
}

/** JSON with sorted keys and without empty ones, so that equal contents have equal text. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(
          Object.entries(inner)
            .filter(([, one]) => one !== null && one !== undefined)
            .sort(([p], [q]) => (p < q ? -1 : p > q ? 1 : 0)),
        )
      : inner,
  );
}
