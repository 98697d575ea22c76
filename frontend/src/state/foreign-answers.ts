import {
  type ForeignItem,
  type ForeignObject,
  type Place,
  reachOf,
  type Shape,
  type Sight,
  shapesOn,
} from '@/domain/foreign';
import { uidFrom, uuidFrom } from '@/domain/ids';
import type { Annotation, Coded, ForeignAnswer, Geometry } from '@/domain/model';
import { foreign as words } from '@/text/en-foreign';
import { itemId } from './foreign';
import { changeDraft, getRoom, setRoom } from './room';

const random = () => crypto.getRandomValues(new Uint8Array(16));
const OWN_SCHEME = '99OVERREAD';

const imageOf = ({ marks, segment, images }: ForeignItem): string =>
  marks.find((mark) => mark.sop_uid !== '')?.sop_uid ??
  segment?.frames.find((frame) => frame.sop_uid !== '')?.sop_uid ??
  images[0] ??
  '';

/** Answers an item, or takes the answer back; the object stays as it is. */
export function answerForeign(
  object: ForeignObject,
  item: ForeignItem,
  verdict: ForeignAnswer['verdict'] | null,
  why: { readonly reason?: string; readonly text?: string } = {},
): void {
  const id = itemId(object, item.key);
  const before = getRoom().draft.content.foreign?.[id];
  const rejected = verdict === 'reject' && before?.verdict === 'reject' ? before : null;
  const answer: ForeignAnswer | null = verdict && {
    sop_uid: object.sop_uid,
    series_uid: object.series_uid,
    sop_class_uid: object.sop_class_uid,
    key: item.key,
    tracking_uid: item.tracking_uid,
    tracking_id: item.tracking_id.slice(0, 200),
    scheme: item.label.scheme.slice(0, 16),
    code: item.label.code.slice(0, 32),
    display: item.label.display.slice(0, 120),
    image_uid: imageOf(item),
    verdict,
    reason_code: why.reason ?? rejected?.reason_code ?? '',
    reason_text: why.text ?? rejected?.reason_text ?? '',
  };
  changeDraft({ type: 'answer-foreign', id, answer });
}

const labelOf = ({ scheme, code, display }: Coded): Coded =>
  scheme && code
    ? { scheme, code, display }
    : { scheme: OWN_SCHEME, code: 'unlabelled', display };

type Drawn = Pick<Geometry, 'kind' | 'points'>;

/** A shape on an image as a mark of one's own. */
function ownShape(shape: Shape): Drawn | null {
  if (shape.kind === 'text') return null;
  if (shape.kind === 'point') return { kind: 'point', points: [shape.at] };
  const { points, closed } = shape;
  if (closed) return { kind: 'polygon', points };
  return points.length === 2 ? { kind: 'length', points } : { kind: 'polyline', points };
}

/** What of an item lies on an image, as the first mark of one's own that it makes. */
function ownMark(item: ForeignItem, image: Place, reach: number): Drawn | null {
  for (const mark of item.marks) {
    const shapes = shapesOn(mark, image, reach);
    if (shapes.length === 0) continue;
    const here = mark.space === 'image';
    if (here && (mark.kind === 'box' || mark.kind === 'ellipse')) {
      return { kind: mark.kind, points: mark.points };
    }
    const drawn = shapes.map(ownShape).find((one) => one !== null);
    if (drawn) return drawn;
  }
  return null;
}

/**
 * Copies an item into one's own annotations, with the tracking UID of the original:
 * the same thing, said by another.
 */
export function copyForeign(
  object: ForeignObject,
  item: ForeignItem,
  sight: Sight,
  places: readonly Place[],
): boolean {
  const image = places.find(
    (one) => one.sopUid === sight.sopUid && one.frame === sight.frame,
  );
  const drawn = image ? ownMark(item, image, reachOf(places)) : null;
  if (!image || !drawn) return false;
  const id = uuidFrom(random());
  const annotation: Annotation = {
    id,
    tracking_uid: item.tracking_uid || uidFrom(random()),
    label: labelOf(item.label),
    geometry: {
      ...drawn,
      space: 'image',
      sop_uid: image.sopUid,
      frame: image.frame,
      frame_of_reference_uid: image.frameOfReference,
    },
    text: words.copied(item.label.display, object.title || words.kinds[object.kind]),
    missed_by_ai: false,
    // A box is a finding's; other shapes are drawn by the tools that would make them.
    ...(drawn.kind === 'box'
      ? {}
      : { measured: { scale: 'none', calibration_mm: null, values: [] } }),
  };
  changeDraft({ type: 'add', annotation });
  setRoom({ activeAnnotation: id, own: true });
  return true;
}
