import { type RefObject, useEffect, useMemo, useRef } from 'react';
import { type Affine, apply, invert, type Point, stepOnScreen } from '@/domain/geometry';
import type { Scale } from '@/domain/measure/kinds';
import type { Pixels } from '@/domain/measure/region';
import { type SegmentedSeries, sliceKey } from '@/domain/segment/model';
import {
  cutOut,
  fillFrom,
  type LabelMap,
  nextBrush,
  paintDab,
  type Range,
  type Rect,
  type Rule,
  rangeUnder,
} from '@/domain/segment/paint';
import {
  isRanged,
  isRound,
  isSegmentTool,
  type SegmentTool,
} from '@/domain/segment/tools';
import type { Stack } from '@/imaging/pack';
import { pixelValues } from '@/imaging/pixel-values';
import type { PaneView } from '@/imaging/view-store';
import { canWrite, getRoom } from '@/state/room';
import {
  beginPainting,
  cancelPainting,
  endPainting,
  getSegmenting,
  lockedNumbers,
  type NoPainting,
  type Painting,
  registerSegments,
  type SegmentControl,
  setSegmenting,
  tellLabels,
} from '@/state/segmenting';

/** Where the tool is, in image space, and what the scissors have drawn. */
export interface Cursor {
  readonly at: Point | null;
  readonly drawn: readonly Point[];
  readonly erasing: boolean;
}

interface Stroke {
  readonly painting: Painting;
  readonly map: LabelMap;
  readonly rule: Rule;
  readonly tool: SegmentTool;
  readonly byKeys: boolean;
  points: Point[];
  changed: boolean;
}

/** A range is taken from no more than this around the cursor, mm. */
const SEED_MM = 2.5;
/** Between two points of a contour, image pixels. */
const FINE = 0.4;

export function seriesOfView({ uid, image }: PaneView): SegmentedSeries {
  return {
    seriesUid: uid,
    frameOfReference: image.frameOfReference,
    rows: image.rows,
    columns: image.columns,
  };
}

/** What is segmented on a stack of equal images. */
export function seriesOfStack({ uid, images }: Stack): SegmentedSeries | null {
  const [image] = images;
  if (!image) return null;
  const { frameOfReference, rows, columns } = image;
  return { seriesUid: uid, frameOfReference, rows, columns };
}

export const keyOfView = ({ image }: PaneView) => sliceKey(image.sopUid, image.frame);

function toolNow(): SegmentTool | null {
  const { tool, drawing } = getRoom();
  return drawing === null && isSegmentTool(tool) ? tool : null;
}

/** What is painted on in a pane: an image, or a plane through a volume. */
export interface Surface {
  /** A stroke ends when another one comes into the pane. */
  readonly id: string;
  /** From the surface's own pixels ((0, 0) the corner of the first) to CSS pixels. */
  readonly matrix: Affine;
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
  readonly spacing: Scale;
  begin(): Painting | NoPainting;
  end(painting: Painting): void;
  /** Values row by row; or why there are none. */
  pixels(): Pixels | 'colour' | 'absent';
}

/** An image of a stack as a surface. */
export function surfaceOf(view: PaneView): Surface {
  const { image, matrix, width, height } = view;
  const { imageId, columns, rows, spacing } = image;
  return {
    id: imageId,
    ...{ matrix, width, height, columns, rows, spacing },
    begin: () => beginPainting(seriesOfView(view), keyOfView(view)),
    end: endPainting,
    pixels: () => pixelValues(image) ?? 'colour',
  };
}

/** Painting in one pane, apart from React's rendering. */
class Painter {
  surface: Surface;
  readOnly = false;
  onCursor: (cursor: Cursor) => void = () => undefined;
  #stroke: Stroke | null = null;
  #at: Point | null = null;

  constructor(surface: Surface) {
    this.surface = surface;
  }

  get busy(): boolean {
    return this.#stroke !== null;
  }

  /** Whether a press would be ours. */
  get ready(): boolean {
    return !this.readOnly && canWrite(getRoom()) && toolNow() !== null;
  }

  pixelAt(on: Point): Point {
    const back = invert(this.surface.matrix);
    return back ? apply(back, on) : on;
  }

  /** The tool is over a point of the image, or nowhere. */
  hover(at: Point | null): void {
    this.#at = at;
    this.#tell();
  }

  down(at: Point, erase: boolean, byKeys = false): void {
    const tool = toolNow();
    if (!tool || this.#stroke) return;
    this.#at = at;
    const only = this.#only(tool, at, erase);
    if (only === false) return;
    const painting = this.surface.begin();
    if (typeof painting === 'string') {
      setSegmenting({ trouble: painting });
      return;
    }
    setSegmenting({ trouble: null });
    const { series, labels, segment } = painting;
    const rule: Rule = {
      number: segment.number,
      erase: erase || tool === 'eraser',
      locked: lockedNumbers(series.seriesUid),
      ...(only ? { only } : {}),
    };
    const { columns, rows } = this.surface;
    const map = { columns, rows, labels };
    const points = [at];
    this.#stroke = { painting, map, rule, tool, byKeys, points, changed: false };
    if (isRound(tool)) this.#dab(this.#stroke, at, at);
    if (tool === 'fill') {
      this.#took(this.#stroke, fillFrom(map, at, rule));
      this.up(at);
    }
    this.#tell();
  }

  move(at: Point): void {
    this.#at = at;
    const stroke = this.#stroke;
    if (stroke && isRound(stroke.tool)) {
      this.#dab(stroke, stroke.points.at(-1) ?? at, at);
      stroke.points = [at];
    } else if (stroke) {
      stroke.points = contourTo(stroke.points, at);
    }
    this.#tell();
  }

  up(at: Point): void {
    const stroke = this.#stroke;
    if (!stroke) return;
    if (stroke.tool === 'scissors') this.#cut(stroke, at);
    this.#stroke = null;
    if (stroke.changed) this.surface.end(stroke.painting);
    else cancelPainting(stroke.painting);
    this.#tell();
  }

  cancel(): boolean {
    const stroke = this.#stroke;
    if (!stroke) return false;
    this.#stroke = null;
    cancelPainting(stroke.painting);
    this.#tell();
    return true;
  }

  /** By keys: presses where the cursor is, or lets go there. */
  press(erase: boolean): void {
    const at = this.#at ?? this.#middle();
    if (this.#stroke) this.up(at);
    else if (this.ready) this.down(at, erase, true);
  }

  /** By keys: a quarter of the brush at a time, at least a pixel, as seen on the screen. */
  step(by: readonly [number, number]): void {
    const [column, row] = this.#at ?? this.#middle();
    const { spacing, columns, rows, matrix } = this.surface;
    const { size } = getSegmenting();
    const [x, y] = stepOnScreen(matrix, by);
    const across = Math.max(1, Math.round(size / 4 / spacing.column));
    const down = Math.max(1, Math.round(size / 4 / spacing.row));
    const within = (value: number, most: number) => Math.min(most, Math.max(0, value));
    this.move([within(column + x * across, columns), within(row + y * down, rows)]);
  }

  /** Takes the range of values from under the cursor. */
  takeRange(): Range | null {
    const pixels = this.surface.pixels();
    const at = this.#at ?? this.#middle();
    const { spacing } = this.surface;
    const radius = Math.min(SEED_MM, getSegmenting().size / 2);
    if (typeof pixels === 'string') return null;
    const range = rangeUnder(pixels, at, radius, spacing);
    if (range) setSegmenting({ range });
    return range;
  }

  /** The middle of what the pane shows, in the middle of a pixel. */
  #middle(): Point {
    const [x, y] = this.pixelAt([this.surface.width / 2, this.surface.height / 2]);
    return [Math.floor(x) + 0.5, Math.floor(y) + 0.5];
  }

  /** What restricts painting to values; null: nothing; false: it cannot be done. */
  #only(tool: SegmentTool, at: Point, erase: boolean): Rule['only'] | null | false {
    if (!isRanged(tool) || erase) return null;
    const pixels = this.surface.pixels();
    if (typeof pixels === 'string') {
      if (tool === 'fill' && pixels === 'colour') return null;
      setSegmenting({ trouble: pixels });
      return false;
    }
    this.#at = at;
    const range = getSegmenting().range ?? this.takeRange();
    return range ? { range, pixels } : false;
  }

  #dab(stroke: Stroke, from: Point, to: Point): void {
    const { spacing } = this.surface;
    const dab = { from, to, radius: getSegmenting().size / 2 };
    this.#took(stroke, paintDab(stroke.map, dab, spacing, stroke.rule));
  }

  #cut(stroke: Stroke, at: Point): void {
    const { shape } = getSegmenting();
    const points = shape === 'freehand' ? stroke.points : [stroke.points[0] ?? at, at];
    const { spacing } = this.surface;
    this.#took(stroke, cutOut(stroke.map, shape, points, spacing, stroke.rule));
  }

  #took(stroke: Stroke, rect: Rect | null): void {
    if (!rect) return;
    stroke.changed = true;
    tellLabels(stroke.painting.series.seriesUid, stroke.painting.key, rect);
  }

  #tell(): void {
    const stroke = this.#stroke;
    this.onCursor({
      at: this.#at,
      drawn: stroke?.tool === 'scissors' ? stroke.points : [],
      erasing: stroke?.rule.erase ?? false,
    });
  }
}

export type { Painter };

/** A contour with one more point; other shapes have the first and the last one only. */
function contourTo(points: Point[], at: Point): Point[] {
  const { shape } = getSegmenting();
  const first = points[0] ?? at;
  if (shape !== 'freehand') return [first, at];
  const last = points.at(-1) ?? at;
  const far = Math.hypot(at[0] - last[0], at[1] - last[1]) >= FINE;
  return far ? [...points, at] : points;
}

function resize(event: WheelEvent): void {
  event.preventDefault();
  event.stopPropagation();
  const { size } = getSegmenting();
  setSegmenting({ size: nextBrush(size, event.deltaY < 0 ? 1 : -1) });
}

/** Sends the left button's presses in a pane to the painter, before the viewport's tools. */
class PointerFeed {
  readonly #pane: HTMLElement;
  readonly #painter: Painter;
  #taken = false;

  constructor(pane: HTMLElement, painter: Painter) {
    this.#pane = pane;
    this.#painter = painter;
  }

  #pointOf({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const area = this.#pane.getBoundingClientRect();
    return this.#painter.pixelAt([clientX - area.left, clientY - area.top]);
  }

  readonly down = (event: PointerEvent): void => {
    const { target } = event;
    const onPixels = target instanceof Element && target.closest('.pane-pixels') !== null;
    if (event.button !== 0 || event.shiftKey || !onPixels) return;
    if (!this.#painter.ready) return;
    this.#painter.cancel();
    this.#taken = true;
    // Without a mouse event the viewport's own tools hear nothing of this press.
    event.preventDefault();
    this.#pane.setPointerCapture(event.pointerId);
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    this.#painter.down(this.#pointOf(event), event.ctrlKey || event.metaKey);
  };

  readonly move = (event: PointerEvent): void => {
    if (!this.#painter.ready) return;
    if (!this.#taken || !this.#painter.busy) {
      this.#painter.hover(this.#pointOf(event));
      return;
    }
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) {
      this.#painter.move(this.#pointOf(one));
    }
  };

  readonly up = (event: PointerEvent): void => {
    if (!this.#taken) return;
    this.#taken = false;
    this.#painter.up(this.#pointOf(event));
  };

  readonly wheel = (event: WheelEvent): void => {
    if ((event.ctrlKey || event.altKey) && this.#painter.ready) resize(event);
  };

  readonly leave = (): void => {
    if (!this.#painter.busy) this.#painter.hover(null);
  };

  readonly touch = (event: TouchEvent): void => {
    if (this.#taken) event.stopPropagation();
  };
}

function listen(pane: HTMLElement, painter: Painter): () => void {
  const feed = new PointerFeed(pane, painter);
  const ending = new AbortController();
  const { signal } = ending;
  pane.addEventListener('pointerdown', feed.down, { capture: true, signal });
  pane.addEventListener('pointermove', feed.move, { signal });
  pane.addEventListener('pointerup', feed.up, { signal });
  pane.addEventListener('pointercancel', feed.up, { signal });
  pane.addEventListener('pointerleave', feed.leave, { signal });
  const wheeling = { capture: true, passive: false, signal };
  pane.addEventListener('wheel', feed.wheel, wheeling);
  pane.addEventListener('touchstart', feed.touch, { capture: true, signal });
  return () => ending.abort();
}

function controlOf(painter: Painter): SegmentControl {
  return {
    press: (erase) => painter.press(erase),
    move: (by) => painter.step(by),
    takeRange: () => void painter.takeRange(),
    cancel: () => painter.cancel(),
  };
}

/** Painting in the pane that holds an element. */
export function usePainter(
  pane: number,
  surface: Surface,
  within: RefObject<Element | null>,
  readOnly: boolean,
): Painter {
  const first = useRef(surface);
  const painter = useMemo(() => new Painter(first.current), []);
  painter.surface = surface;
  painter.readOnly = readOnly;
  const { id } = surface;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a stroke ends with its image
  useEffect(() => () => void painter.cancel(), [painter, id]);
  useEffect(() => {
    const element = within.current?.closest<HTMLElement>('.pane');
    if (!element) return;
    const unlisten = listen(element, painter);
    const unregister = registerSegments(pane, controlOf(painter));
    return () => {
      unlisten();
      unregister();
    };
  }, [pane, painter, within]);
  return painter;
}
