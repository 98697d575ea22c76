import { type Box, boxAround } from './geometry';
import type { Annotation, Content, Finding, Geometry, Id } from './model';

/** How one statement of AI or of the unaided reader stands to the other's. */
export type Agreement =
  | { readonly kind: 'both'; readonly finding: Finding; readonly mark: Annotation }
  /** The same label, but marked elsewhere. */
  | { readonly kind: 'elsewhere'; readonly finding: Finding; readonly mark: Annotation }
  | { readonly kind: 'ai-only'; readonly finding: Finding }
  | { readonly kind: 'reader-only'; readonly mark: Annotation };

/** Boxes that share this part of their union are on the same thing. */
const SAME_PLACE = 0.1;

/**
 * The unaided read against what AI holds to be there: each positive finding and each of
 * the reader's marks once, disagreements first. What AI scored below its threshold it
 * does not hold to be there.
 */
export function compareReads(
  unaided: Content,
  findings: readonly Finding[],
): readonly Agreement[] {
  const taken = new Set<Id>();
  const pairs = findings
    .filter((finding) => finding.positive)
    .map((finding) => pairOf(finding, unaided.annotations, taken));
  const alone = unaided.annotations
    .filter((mark) => !taken.has(mark.id))
    .map((mark): Agreement => ({ kind: 'reader-only', mark }));
  const all = [...pairs, ...alone];
  return [
    ...all.filter(({ kind }) => kind !== 'both'),
    ...all.filter(({ kind }) => kind === 'both'),
  ];
}

function pairOf(
  finding: Finding,
  marks: readonly Annotation[],
  taken: Set<Id>,
): Agreement {
  const same = marks.filter(
    (mark) => mark.label.code === finding.label.code && !taken.has(mark.id),
  );
  const here = same.find((mark) => samePlace(finding, mark.geometry));
  const mark = here ?? same[0];
  if (!mark) return { kind: 'ai-only', finding };
  taken.add(mark.id);
  return { kind: here ? 'both' : 'elsewhere', finding, mark };
}

/** A finding that names no place is nowhere else. */
function samePlace({ location }: Finding, geometry: Geometry): boolean {
  if (location?.space !== 'image' || geometry.space !== 'image') return true;
  if (location.sop_uid !== geometry.sop_uid || location.frame !== geometry.frame) {
    return false;
  }
  const theirs = boxAround(location.points);
  const ours = boxAround(geometry.points);
  return theirs !== null && ours !== null && share(theirs, ours) >= SAME_PLACE;
}

/** Intersection over union of two boxes, 0 to 1. */
function share(a: Box, b: Box): number {
  const width = Math.min(a.x1, b.x1) - Math.max(a.x0, b.x0);
  const height = Math.min(a.y1, b.y1) - Math.max(a.y0, b.y0);
  if (width < 0 || height < 0) return 0;
  const common = width * height;
  const union = area(a) + area(b) - common;
  return union > 0 ? common / union : 1;
}

const area = (box: Box) => (box.x1 - box.x0) * (box.y1 - box.y0);
