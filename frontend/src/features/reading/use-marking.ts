import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { apply, invert, type Point, stepOnScreen } from '@/domain/geometry';
import { draw, type Gesture, type Stroke, shaped } from '@/domain/measure/gesture';
import {
  isMeasurement,
  isMeasureTool,
  KIND_OF,
  type MeasureTool,
} from '@/domain/measure/kinds';
import { scaleAt } from '@/domain/measure/regions';
import {
  distanceToLine,
  dragGrip,
  gripsOf,
  inOrder,
  linesOf,
  movePoints,
  pairs,
  settle,
} from '@/domain/measure/shapes';
import type { Annotation, Id } from '@/domain/model';
import { isSegmentTool } from '@/domain/segment/tools';
import { pixelValues } from '@/imaging/pixel-values';
import type { PaneView } from '@/imaging/view-store';
import {
  addMark,
  type MarkControl,
  type MarkedImage,
  registerMarks,
  removeMark,
  reshapeMark,
  scaleNow,
  setMeasuring,
  useMeasuring,
} from '@/state/measuring';
import { canWrite, getRoom, setRoom } from '@/state/room';

/** A mark that is being dragged: by one grip, or as a whole. */
interface Drag {
  readonly mark: Annotation;
  readonly grip: number | null;
  readonly from: Point;
  readonly points: readonly Point[];
  readonly moved: boolean;
}

export interface Marking {
  readonly gesture: Gesture | null;
  /** Points of the mark that is being dragged, as they are now. */
  readonly dragged: { readonly id: Id; readonly points: readonly Point[] } | null;
}

const GRIP_REACH = 8;
const LINE_REACH = 5;
const LEAST_DRAWN = 3;

export function imageOf({ image }: PaneView): MarkedImage {
  return {
    sopUid: image.sopUid,
    frame: image.frame,
    frameOfReference: image.frameOfReference,
    stated: image.spacing,
    pixels: pixelValues(image),
  };
}

/** The reader's measurements on the image that a pane shows. */
export function marksOn({ image }: PaneView, annotations: readonly Annotation[]) {
  return annotations.filter(
    (mark) =>
      isMeasurement(mark) &&
      mark.geometry.space === 'image' &&
      mark.geometry.sop_uid === image.sopUid &&
      mark.geometry.frame === image.frame,
  );
}

const near = (p: Point, q: Point) => Math.hypot(p[0] - q[0], p[1] - q[1]);

interface Hit {
  readonly mark: Annotation;
  readonly grip: number | null;
}

/**
 * The mark under a point of the screen; grips go first, those of the active mark. With
 * a measuring tool only these count, or nothing could be drawn beside a mark.
 */
function hitAt(view: PaneView, on: Point): Hit | null {
  const { draft, activeAnnotation, own, tool } = getRoom();
  if (!own) return null;
  const drawing = isMeasureTool(tool);
  const shown = marksOn(view, draft.content.annotations).filter(
    ({ id }) => !drawing || id === activeAnnotation,
  );
  const ordered = [...shown].sort(
    (a, b) => Number(b.id === activeAnnotation) - Number(a.id === activeAnnotation),
  );
  for (const mark of ordered) {
    const grips = gripsOf(mark.geometry.kind, pairs(mark.geometry.points));
    const grip = grips.findIndex((one) => near(apply(view.matrix, one), on) < GRIP_REACH);
    if (grip >= 0) return { mark, grip };
  }
  if (drawing) return null;
  const scale = scaleNow(imageOf(view));
  const touched = ordered.find(({ geometry }) =>
    linesOf(
      geometry.kind,
      pairs(geometry.points),
      scaleAt(pairs(geometry.points), scale),
    ).some(
      ({ points, closed }) =>
        distanceToLine(on, {
          points: points.map((one) => apply(view.matrix, one)),
          closed,
        }) < LINE_REACH,
    ),
  );
  return touched ? { mark: touched, grip: null } : null;
}

/** Drawing and changing of marks in one pane, apart from React's rendering. */
class Marker {
  view: PaneView;
  readOnly = false;
  #gesture: Gesture | null = null;
  #drag: Drag | null = null;
  readonly #changed: (marking: Marking) => void;

  constructor(view: PaneView, changed: (marking: Marking) => void) {
    this.view = view;
    this.#changed = changed;
  }

  #tell(): void {
    const drag = this.#drag;
    this.#changed({
      gesture: this.#gesture,
      dragged: drag ? { id: drag.mark.id, points: drag.points } : null,
    });
  }

  get busy(): boolean {
    return this.#gesture !== null || this.#drag !== null;
  }

  #at(on: Point): Point {
    const back = invert(this.view.matrix);
    return back ? apply(back, on) : on;
  }

  #tool(): MeasureTool | null {
    const { tool, drawing } = getRoom();
    return drawing === null && isMeasureTool(tool) ? tool : null;
  }

  /** Whether the press is ours. */
  down(on: Point): boolean {
    const room = getRoom();
    if (this.readOnly || !canWrite(room) || room.drawing !== null) return false;
    if (isSegmentTool(room.tool)) return false;
    const hit = this.#gesture ? null : hitAt(this.view, on);
    if (hit) {
      setRoom({ activeAnnotation: hit.mark.id });
      setMeasuring({ grip: hit.grip });
      const points = pairs(hit.mark.geometry.points);
      this.#drag = { ...hit, from: on, points, moved: false };
      this.#tell();
      return true;
    }
    const tool = this.#tool();
    if (!tool) return false;
    this.#stroke({ type: 'down', at: this.#at(on), on });
    return true;
  }

  move(on: Point): void {
    if (this.#drag) this.#dragTo(this.#drag, on);
    else if (this.#gesture) this.#stroke({ type: 'move', at: this.#at(on), on });
  }

  up(on: Point): void {
    const drag = this.#drag;
    if (!drag) {
      if (this.#gesture) this.#stroke({ type: 'up', at: this.#at(on), on });
      return;
    }
    this.#drag = null;
    if (drag.moved) this.#reshape(drag.mark, drag.points);
    this.#tell();
  }

  finish(): boolean {
    if (this.#gesture) this.#stroke({ type: 'finish' });
    return this.#gesture !== null;
  }

  back(): boolean {
    const drawing = this.#gesture !== null;
    if (drawing) this.#stroke({ type: 'back' });
    return drawing;
  }

  cancel(): boolean {
    const { busy } = this;
    this.#gesture = null;
    this.#drag = null;
    if (busy) this.#tell();
    return busy;
  }

  #reshape(mark: Annotation, points: readonly Point[]): void {
    const { columns, rows } = this.view.image;
    const image = imageOf(this.view);
    const ordered = inOrder(mark.geometry.kind, points, scaleNow(image, points));
    if (ordered !== points) setMeasuring({ grip: null });
    reshapeMark(mark, settle(ordered, columns, rows), image);
  }

  #dragTo(drag: Drag, on: Point): void {
    const { mark, grip, from } = drag;
    const moved = drag.moved || near(on, from) > 2;
    if (!moved) return;
    const start = pairs(mark.geometry.points);
    const { columns, rows } = this.view.image;
    const [at, begun] = [this.#at(on), this.#at(from)];
    const points =
      grip === null
        ? movePoints(start, [at[0] - begun[0], at[1] - begun[1]], columns, rows)
        : dragGrip(
            mark.geometry.kind,
            start,
            grip,
            at,
            scaleNow(imageOf(this.view), start),
          );
    this.#drag = { ...drag, points, moved };
    this.#tell();
  }

  #stroke(stroke: Stroke): void {
    const tool = this.#tool();
    if (!tool) {
      this.cancel();
      return;
    }
    const { gesture, done } = draw(this.#gesture, tool, stroke);
    this.#gesture = gesture;
    if (done) this.add(tool, done);
    this.#tell();
  }

  /** Makes a mark of drawn points, unless they are hardly apart. */
  add(tool: MeasureTool, drawn: readonly Point[]): void {
    if (this.readOnly) return;
    const image = imageOf(this.view);
    const { columns, rows } = this.view.image;
    const points = settle(shaped(tool, drawn, scaleNow(image, drawn)), columns, rows);
    const seen = points.map((point) => apply(this.view.matrix, point));
    const first = seen[0];
    const wide = first ? Math.max(...seen.map((one) => near(one, first))) : 0;
    if (tool === 'probe' || wide >= LEAST_DRAWN) addMark(tool, points, image);
  }
}

/** For the keyboard: a mark of a fifth of the pane, in its middle. */
function middlePoints(tool: MeasureTool, view: PaneView): readonly Point[] {
  const back = invert(view.matrix);
  const [x, y] = [view.width / 2, view.height / 2];
  const r = Math.min(view.width, view.height) / 10;
  const shape: Readonly<Record<string, readonly Point[]>> = {
    probe: [[0, 0]],
    angle: [
      [r, -r],
      [-r, 0],
      [r, r],
    ],
    cobb: [
      [-r, -r],
      [r, -r],
      [-r, r],
      [r, r / 2],
    ],
    freehand: [
      [0, -r],
      [r, 0],
      [0, r],
      [-r, 0],
    ],
    circle: [
      [0, 0],
      [r, 0],
    ],
    ellipse: [
      [-r, -r / 2],
      [r, r / 2],
    ],
    rectangle: [
      [-r, -r / 2],
      [r, r / 2],
    ],
  };
  const line: readonly Point[] = [
    [-r, 0],
    [r, 0],
  ];
  const wanted = tool === 'spline' ? shape['freehand'] : shape[tool];
  return (wanted ?? line).map(([dx, dy]): Point => {
    const on: Point = [x + dx, y + dy];
    return back ? apply(back, on) : on;
  });
}

function activeMark(view: PaneView): Annotation | null {
  const { activeAnnotation, draft } = getRoom();
  const shown = marksOn(view, draft.content.annotations);
  return shown.find((mark) => mark.id === activeAnnotation) ?? null;
}

function controlOf(marker: Marker): MarkControl {
  const nudgeMark = (mark: Annotation, by: Point) => {
    const { image } = marker.view;
    const { kind } = mark.geometry;
    const points = pairs(mark.geometry.points);
    const { grip } = useMeasuring.getState();
    const at = grip === null ? undefined : gripsOf(kind, points)[grip];
    const info = imageOf(marker.view);
    const moved =
      grip === null || !at
        ? movePoints(points, by, image.columns, image.rows)
        : dragGrip(
            kind,
            points,
            grip,
            [at[0] + by[0], at[1] + by[1]],
            scaleNow(info, points),
          );
    reshapeMark(mark, settle(moved, image.columns, image.rows), info);
  };
  return {
    cancel: () => marker.cancel(),
    back: () => marker.back(),
    place: () => {
      const { tool } = getRoom();
      if (marker.busy) marker.finish();
      else if (isMeasureTool(tool)) marker.add(tool, middlePoints(tool, marker.view));
    },
    nudge: (by) => {
      const mark = activeMark(marker.view);
      if (mark) nudgeMark(mark, stepOnScreen(marker.view.matrix, by));
    },
    nextGrip: () => {
      const mark = activeMark(marker.view);
      if (!mark) return;
      const { kind, points } = mark.geometry;
      const count = gripsOf(kind, pairs(points)).length;
      const { grip } = useMeasuring.getState();
      const next = grip === null ? 0 : grip + 1;
      setMeasuring({ grip: next < count ? next : null });
    },
    remove: () => {
      const { activeAnnotation } = getRoom();
      const here = activeMark(marker.view);
      if (activeAnnotation === null) return;
      removeMark(activeAnnotation, here ? imageOf(marker.view) : null);
    },
  };
}

/** Sends the left button's presses in a pane to the marker, before the viewport's tools. */
function listen(pane: HTMLElement, marker: Marker): () => void {
  let taken = false;
  const pointOf = ({ clientX, clientY }: PointerEvent | MouseEvent): Point => {
    const area = pane.getBoundingClientRect();
    return [clientX - area.left, clientY - area.top];
  };
  const onPixels = ({ target }: Event) =>
    target instanceof Element && target.closest('.pane-pixels') !== null;
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || event.shiftKey || !onPixels(event)) return;
    if (!marker.down(pointOf(event))) return;
    taken = true;
    // Without a mouse event the viewport's own tools hear nothing of this press.
    event.preventDefault();
    pane.setPointerCapture(event.pointerId);
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };
  const move = (event: PointerEvent) => {
    const on = pointOf(event);
    if (marker.busy) marker.move(on);
    else pane.dataset['mark'] = hoverOf(marker, on);
  };
  const up = (event: PointerEvent) => {
    if (!taken) return;
    taken = false;
    marker.up(pointOf(event));
  };
  const double = (event: MouseEvent) => {
    if (onPixels(event)) marker.finish();
  };
  const touch = (event: TouchEvent) => {
    if (taken) event.stopPropagation();
  };
  pane.addEventListener('pointerdown', down, { capture: true });
  pane.addEventListener('pointermove', move);
  pane.addEventListener('pointerup', up);
  pane.addEventListener('pointercancel', up);
  pane.addEventListener('dblclick', double);
  pane.addEventListener('touchstart', touch, { capture: true });
  return () => {
    delete pane.dataset['mark'];
    pane.removeEventListener('pointerdown', down, { capture: true });
    pane.removeEventListener('pointermove', move);
    pane.removeEventListener('pointerup', up);
    pane.removeEventListener('pointercancel', up);
    pane.removeEventListener('dblclick', double);
    pane.removeEventListener('touchstart', touch, { capture: true });
  };
}

/** For the cursor: over a mark of one's own, with a measuring tool, or neither. */
function hoverOf(marker: Marker, on: Point): string {
  const room = getRoom();
  if (marker.readOnly || !canWrite(room)) return '';
  if (isSegmentTool(room.tool)) return 'paint';
  if (hitAt(marker.view, on)) return 'over';
  return isMeasureTool(room.tool) ? 'draw' : '';
}

const IDLE: Marking = { gesture: null, dragged: null };

/** Drawing and changing of marks in the pane that holds an element. */
export function useMarking(
  pane: number,
  view: PaneView,
  within: RefObject<Element | null>,
  readOnly: boolean,
): Marking {
  const [marking, setMarking] = useState<Marking>(IDLE);
  const first = useRef(view);
  const marker = useMemo(() => new Marker(first.current, setMarking), []);
  marker.view = view;
  marker.readOnly = readOnly;
  const { imageId } = view.image;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a drawing ends with its image
  useEffect(() => () => void marker.cancel(), [marker, imageId]);
  useEffect(() => {
    const element = within.current?.closest<HTMLElement>('.pane');
    if (!element) return;
    const unlisten = listen(element, marker);
    const unregister = registerMarks(pane, controlOf(marker));
    return () => {
      unlisten();
      unregister();
    };
  }, [pane, marker, within]);
  return marking;
}

/** The kind of geometry that a gesture draws. */
export const kindDrawn = ({ tool }: Gesture) => KIND_OF[tool];
