import { create } from 'zustand';
import type { Point } from '@/domain/geometry';
import { uidFrom, uuidFrom } from '@/domain/ids';
import {
  isMeasurement,
  KIND_OF,
  type MeasureTool,
  type Scale,
  UNLABELLED,
} from '@/domain/measure/kinds';
import { scaleAt } from '@/domain/measure/regions';
import { pairs } from '@/domain/measure/shapes';
import { type MeasuredPixels, measuredBy, scaleOn } from '@/domain/measure/values';
import type { Annotation, Coded, Geometry, Id } from '@/domain/model';
import { changeDraft, getRoom, setRoom } from './room';

/** Words or a length that a mark waits for, in a field beside it. */
export interface MarkQuestion {
  readonly id: Id;
  readonly kind: 'text' | 'length' | 'label';
  /** In the list of marks, or on the image. */
  readonly where: 'list' | 'image';
}

interface MeasuringState {
  readonly question: MarkQuestion | null;
  /** The grip of the active mark that the keyboard moves; null moves it whole. */
  readonly grip: number | null;
}

export const useMeasuring = create<MeasuringState>(() => ({
  question: null,
  grip: null,
}));

export const setMeasuring = useMeasuring.setState;

/** The image that a mark is made on, with what measuring it takes. */
export interface MarkedImage {
  readonly sopUid: string;
  readonly frame: number;
  readonly frameOfReference: string | null;
  readonly stated: Scale;
  readonly pixels: MeasuredPixels | null;
}

const marks = () => getRoom().draft.content.annotations;

/** The scale that counts on an image now; with points given, at their place on it. */
export function scaleNow(
  { stated, sopUid }: Pick<MarkedImage, 'stated' | 'sopUid'>,
  points: readonly Point[] = [],
): Scale {
  return scaleAt(points, scaleOn(stated, sopUid, marks()));
}

function geometryOn(
  image: MarkedImage,
  kind: Geometry['kind'],
  points: readonly Point[],
): Geometry {
  return {
    kind,
    space: 'image',
    sop_uid: image.sopUid,
    frame: image.frame,
    frame_of_reference_uid: image.frameOfReference,
    points,
  };
}

/** Adds a mark, chooses it, and asks for what it cannot do without. */
export function addMark(
  tool: MeasureTool,
  points: readonly Point[],
  image: MarkedImage,
): void {
  const kind = KIND_OF[tool];
  const random = () => crypto.getRandomValues(new Uint8Array(16));
  const annotation: Annotation = {
    id: uuidFrom(random()),
    tracking_uid: uidFrom(random()),
    label: UNLABELLED,
    geometry: geometryOn(image, kind, points),
    text: '',
    missed_by_ai: false,
    measured: measuredBy(kind, points, scaleNow(image), image.pixels, null),
  };
  changeDraft({ type: 'add', annotation });
  setRoom({ activeAnnotation: annotation.id, own: true });
  const { id } = annotation;
  const asks = { calibrate: 'length', arrow: 'text' } as const;
  const kindAsked = tool === 'calibrate' || tool === 'arrow' ? asks[tool] : null;
  setMeasuring({
    grip: null,
    question: kindAsked ? { id, kind: kindAsked, where: 'image' } : null,
  });
}

/** Changes a mark's points and measures it anew, as one step of undo. */
export function reshapeMark(
  mark: Annotation,
  points: readonly Point[],
  image: MarkedImage,
): void {
  const { kind } = mark.geometry;
  const calibration = mark.measured?.calibration_mm ?? null;
  if (calibration !== null) {
    calibrate(mark.id, calibration, image, points);
    return;
  }
  const measured = measuredBy(kind, points, scaleNow(image), image.pixels, null);
  const geometry = { ...mark.geometry, points };
  changeDraft({ type: 'change', id: mark.id, with: { geometry, measured } });
}

/** Gives an image the scale of a known length and measures all marks on it anew. */
export function calibrate(
  id: Id,
  millimetres: number,
  image: MarkedImage,
  points?: readonly Point[],
): void {
  const given = marks().map((mark) => {
    if (mark.id !== id) return mark;
    const geometry = points ? { ...mark.geometry, points } : mark.geometry;
    const measured = measuredBy(
      'length',
      pairs(geometry.points),
      image.stated,
      null,
      millimetres,
    );
    return { ...mark, geometry, measured: { ...measured, scale: 'calibrated' as const } };
  });
  changeDraft({ type: 'annotate', annotations: remeasured(given, image) });
}

/** Measures an image's marks anew: its scale has changed. */
function remeasured(annotations: readonly Annotation[], image: MarkedImage) {
  const scale = scaleOn(image.stated, image.sopUid, annotations);
  return annotations.map((mark) => {
    const here = isMeasurement(mark) && mark.geometry.sop_uid === image.sopUid;
    if (!here || mark.measured?.calibration_mm != null) return mark;
    const { kind, points, frame } = mark.geometry;
    const pixels = frame === image.frame ? image.pixels : null;
    const anew = measuredBy(kind, pairs(points), scale, pixels, null);
    const kept = (mark.measured?.values ?? []).filter(
      (old) => !anew.values.some((value) => value.code === old.code),
    );
    return { ...mark, measured: { ...anew, values: [...anew.values, ...kept] } };
  });
}

/** Takes a mark away; without its calibration line an image has its own scale again. */
export function removeMark(id: Id, image: MarkedImage | null): void {
  const mark = marks().find((one) => one.id === id);
  if (!mark) return;
  const left = marks().filter((one) => one.id !== id);
  const calibrated = mark.measured?.calibration_mm != null && image !== null;
  changeDraft({
    type: 'annotate',
    annotations: calibrated ? remeasured(left, image) : left,
  });
  setRoom({ activeAnnotation: null });
  setMeasuring({ question: null, grip: null });
}

export function renameMark(id: Id, text: string): void {
  const mark = marks().find((one) => one.id === id);
  if (mark && mark.text !== text) changeDraft({ type: 'change', id, with: { text } });
}

export function relabelMark(id: Id, label: Coded): void {
  changeDraft({ type: 'change', id, with: { label } });
  setRoom({ lastLabel: label });
}

/** What commands can do with the marks of one pane. */
export interface MarkControl {
  /** Ends the drawing, or puts a mark into the middle of what the pane shows. */
  place(): void;
  /** Takes back the last point of the drawing. Says whether there was one. */
  back(): boolean;
  /** Ends the drawing without a mark. Says whether there was one. */
  cancel(): boolean;
  /** Moves the active mark, or its chosen grip, by pixels of the image. */
  nudge(by: Point): void;
  nextGrip(): void;
  remove(): void;
}

const controls = new Map<number, MarkControl>();

export function registerMarks(pane: number, control: MarkControl): () => void {
  controls.set(pane, control);
  return () => {
    if (controls.get(pane) === control) controls.delete(pane);
  };
}

export function markControl(): MarkControl | null {
  return controls.get(getRoom().activePane) ?? null;
}

/** Ends a drawing in any pane. Says whether there was one. */
export function cancelDrawing(): boolean {
  const asked = useMeasuring.getState().question !== null;
  if (asked) setMeasuring({ question: null });
  const drawn = [...controls.values()].map((control) => control.cancel());
  return asked || drawn.includes(true);
}
