import {
  cache,
  Enums,
  eventTarget,
  type StackViewport,
  type Types,
  utilities,
} from '@cornerstonejs/core';
import { useLayoutEffect, useRef } from 'react';
import {
  type Affine,
  affineThrough,
  apply,
  imageToPatient,
  type Point,
  scaleOf,
} from '@/domain/geometry';
import { type GreyWindow, rangeBy, windowBy } from '@/domain/windows';
import { afterFirstPaint } from './first-paint';
import { makeOpaque } from './opaque';
import type { ImageRef, Stack } from './pack';
import { PackError } from './part';
import { viewportKinds } from './plain/register';
import { Prefetcher } from './prefetch';
import {
  ensureImaging,
  joinTools,
  leaveTools,
  registerStack,
  renderingEngine,
  resizePanes,
} from './setup';
import { uptakeRange } from './uptake';
import {
  type Look,
  type PaneControl,
  type PaneTrouble,
  registerPane,
  type ShownAs,
  type Spot,
  setPane,
  tellMove,
  useViews,
} from './view-store';
import { curveOf, shapeGreys, storedInverted } from './voi-curve';

export interface StackPaneProps {
  readonly pane: number;
  readonly stack: Stack;
  readonly startIndex: number;
  readonly start: Start | null;
  readonly label: string;
}

/** How the pane begins: its grey window, and the edge that the image leans on. */
export interface Start {
  readonly window: GreyWindow | null;
  readonly lean: 'left' | 'right' | null;
}

const viewportId = (pane: number) => `pane-${pane}`;

function canvasPoint(viewport: StackViewport, image: ImageRef, x: number, y: number) {
  const world = imageToPatient(image.plane, [x, y]);
  const [left, top] = viewport.worldToCanvas([...world] as Types.Point3);
  return [left, top] as const;
}

/** The present map from the image's pixels to the pane, measured over its full size. */
function matrixOf(viewport: StackViewport, image: ImageRef): Affine {
  const origin = canvasPoint(viewport, image, 0, 0);
  const right = canvasPoint(viewport, image, image.columns, 0);
  const down = canvasPoint(viewport, image, 0, image.rows);
  const full = affineThrough(origin, right, down);
  return {
    a: full.a / image.columns,
    b: full.b / image.columns,
    c: full.c / image.rows,
    d: full.d / image.rows,
    e: full.e,
    f: full.f,
  };
}

/** How Cornerstone's ends of a range are meant; those of a sigmoid are as of a line. */
const ends = (viewport: StackViewport) =>
  viewport.getProperties().VOILUTFunction === 'LINEAR_EXACT' ? 'LINEAR_EXACT' : 'LINEAR';

function shownWindow(viewport: StackViewport): GreyWindow | null {
  const range = viewport.getProperties().voiRange;
  return range ? windowBy(ends(viewport), range) : null;
}

/** What Cornerstone keeps to itself: whether one window was chosen for all images. */
interface Windowed {
  voiUpdatedWithSetProperties: boolean;
}

/**
 * The window that the shown image states; each of the others has its own again. The
 * library's own reset puts back the greys that the first image had before it was
 * inverted, and fails where they are a sigmoid's.
 */
function showOwn(viewport: StackViewport, invert: boolean): void {
  const image = viewport.getCornerstoneImage();
  if (!image) return;
  const { windowWidth, windowCenter, voiLUTFunction } = image;
  const rangeOf = utilities.getVOIRangeFromWindowLevel;
  const voiRange = rangeOf(windowWidth, windowCenter, voiLUTFunction);
  viewport.setProperties({ ...(voiRange ? { voiRange } : {}), invert });
  (viewport as unknown as Windowed).voiUpdatedWithSetProperties = false;
}

/** The same object as before where it says the same: who shows it need not do so anew. */
function kept<T extends Affine | GreyWindow | null>(now: T, before: T | undefined): T {
  if (!now || !before) return now;
  const [news, old] = [Object.values(now), Object.values(before)];
  return news.every((n, at) => Math.abs(n - (old[at] ?? 0)) < 1e-7) ? before : now;
}

/**
 * The image whose pixels are on the canvas, -1 for none. Cornerstone's current image is
 * the one that is wanted: it may still be on its way, while the viewport is drawn anew.
 */
function drawnIndex(viewport: StackViewport, stack: Stack): number {
  const drawn = viewport.getCornerstoneImage()?.imageId;
  if (drawn === undefined) return -1;
  const wanted = viewport.getCurrentImageIdIndex();
  if (stack.images[wanted]?.imageId === drawn) return wanted;
  return stack.images.findIndex(({ imageId }) => imageId === drawn);
}

/** Tells what was drawn just now; what is wanted instead stays its trouble, if any. */
function publish(pane: number, viewport: StackViewport, stack: Stack): void {
  const { view: before, trouble = null } = useViews.getState().panes[pane] ?? {};
  const index = drawnIndex(viewport, stack);
  const image = stack.images[index];
  if (!image) return;
  const { clientWidth, clientHeight } = viewport.element;
  setPane(pane, {
    loading: false,
    trouble: index === viewport.getCurrentImageIdIndex() ? null : trouble,
    view: {
      series: stack.index,
      uid: stack.uid,
      stack,
      index,
      count: stack.images.length,
      image,
      matrix: kept(matrixOf(viewport, image), before?.matrix),
      width: clientWidth,
      height: clientHeight,
      window: kept(shownWindow(viewport), before?.window),
      inverted:
        (viewport.getProperties().invert === true) !== storedInverted(image.dataset),
    },
  });
}

function troubleOf(error: unknown): PaneTrouble {
  if (error instanceof PackError) return { kind: error.kind, detail: error.detail };
  const inner =
    typeof error === 'object' && error !== null && 'error' in error ? error.error : null;
  if (inner instanceof PackError) return { kind: inner.kind, detail: inner.detail };
  const cause = inner ?? error;
  return { kind: 'decode', detail: cause instanceof Error ? cause.message : '' };
}

/**
 * Lets the image touch the pane's edge, as a breast's chest wall touches the middle
 * line. An image that was stored the other way round is mirrored first.
 */
function lean(viewport: StackViewport, stack: Stack, edge: Start['lean']): void {
  const image = stack.images[viewport.getCurrentImageIdIndex()];
  if (!image || edge === null) return;
  const { row } = image.directions;
  const stored = row.startsWith('P') ? 'right' : row.startsWith('A') ? 'left' : edge;
  viewport.setCamera({ flipHorizontal: stored !== edge });
  viewport.setPan([0, 0]);
  const corners = [0, image.columns].map((x) => canvasPoint(viewport, image, x, 0)[0]);
  const by =
    edge === 'left'
      ? -Math.min(...corners)
      : viewport.element.clientWidth - Math.max(...corners);
  viewport.setPan([by, 0]);
}

function lookOf(viewport: StackViewport): Look {
  const { clientWidth, clientHeight } = viewport.element;
  const [x, y] = viewport.getPan();
  const { rotation = 0 } = viewport.getViewPresentation();
  return {
    zoom: viewport.getZoom(),
    pan: [x / clientWidth, y / clientHeight],
    rotation,
    flipped: viewport.getCamera().flipHorizontal === true,
  };
}

function takeLook(viewport: StackViewport, look: Look): void {
  const { clientWidth, clientHeight } = viewport.element;
  viewport.setCamera({ flipHorizontal: look.flipped });
  viewport.setViewPresentation({
    ...viewport.getViewPresentation(),
    rotation: look.rotation,
  });
  viewport.setZoom(look.zoom);
  viewport.setPan([look.pan[0] * clientWidth, look.pan[1] * clientHeight]);
  viewport.render();
}

/** Turns clockwise by quarters, then mirrors; the map itself says when it is right. */
function turn(viewport: StackViewport, image: ImageRef, { rotation, flip }: ShownAs) {
  viewport.setCamera({ flipHorizontal: flip, flipVertical: false });
  const angle = (rotation * Math.PI) / 180;
  const wanted = [Math.cos(angle) * (flip ? -1 : 1), Math.sin(angle)] as const;
  for (const degrees of [rotation, (360 - rotation) % 360]) {
    viewport.setViewPresentation({
      ...viewport.getViewPresentation(),
      rotation: degrees,
    });
    const { a, b } = matrixOf(viewport, image);
    if (a * wanted[0] + b * wanted[1] > 0) return;
  }
}

function spotOf(viewport: StackViewport, image: ImageRef, at: Point): Spot {
  const matrix = matrixOf(viewport, image);
  const { row, column, source } = image.spacing;
  const mm = Math.sqrt(row * column) / scaleOf(matrix);
  return {
    to: apply(matrix, at),
    mmPerPixel: source === 'none' || !Number.isFinite(mm) ? null : mm,
    source,
  };
}

/** Millimetres of the patient and of the detector are not the same length. */
function takeSpot(viewport: StackViewport, image: ImageRef, at: Point, spot: Spot): void {
  const now = spotOf(viewport, image, at);
  if (now.mmPerPixel && spot.mmPerPixel && now.source === spot.source)
    viewport.setZoom((viewport.getZoom() * now.mmPerPixel) / spot.mmPerPixel);
  const [x, y] = spotOf(viewport, image, at).to;
  const [panX, panY] = viewport.getPan();
  viewport.setPan([panX + spot.to[0] - x, panY + spot.to[1] - y]);
  viewport.render();
}

/** Zooms and moves so that a rectangle of the image fills the pane. */
function showArea(
  viewport: StackViewport,
  image: ImageRef,
  area: readonly Point[],
): void {
  const { clientWidth, clientHeight } = viewport.element;
  const boxOf = () => {
    const corners = area.map((point) => apply(matrixOf(viewport, image), point));
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    return boxFrom(
      [Math.min(...xs), Math.min(...ys)],
      [Math.max(...xs), Math.max(...ys)],
    );
  };
  const before = boxOf();
  const by = Math.min(clientWidth / before.width, clientHeight / before.height);
  if (!Number.isFinite(by) || by <= 0) return;
  viewport.setZoom(viewport.getZoom() * by);
  const after = boxOf();
  const [x, y] = viewport.getPan();
  viewport.setPan([x + clientWidth / 2 - after.x, y + clientHeight / 2 - after.y]);
}

const boxFrom = ([x0, y0]: Point, [x1, y1]: Point) => ({
  width: x1 - x0,
  height: y1 - y0,
  x: (x0 + x1) / 2,
  y: (y0 + y1) / 2,
});

function controlOf(
  viewport: StackViewport,
  { pane, stack, start }: StackPaneProps,
): PaneControl {
  const clamp = (index: number) => Math.min(stack.images.length - 1, Math.max(0, index));
  const present = (change: Partial<Types.ViewPresentation>) => {
    viewport.setViewPresentation({ ...viewport.getViewPresentation(), ...change });
    viewport.render();
  };
  const goTo = (index: number) => {
    void viewport.setImageIdIndex(clamp(index)).catch(() => undefined);
  };
  const ids = stack.images.map((image) => image.imageId);
  return {
    goTo,
    reload: () => {
      const index = clamp(viewport.getTargetImageIdIndex());
      setPane(pane, { loading: !viewport.getCornerstoneImage(), trouble: null });
      void viewport.setStack(ids, index).then(
        () => viewport.render(),
        () => undefined,
      );
    },
    scroll: (by) => goTo(viewport.getTargetImageIdIndex() + by),
    window: (to) => {
      if (to === null) {
        showOwn(viewport, viewport.getProperties().invert === true);
      } else {
        viewport.setProperties({ voiRange: rangeBy(ends(viewport), to) });
      }
      viewport.render();
    },
    invert: () => {
      viewport.setProperties({ invert: !viewport.getProperties().invert });
      viewport.render();
    },
    rotate: () => {
      const { rotation = 0 } = viewport.getViewPresentation();
      present({ rotation: (rotation + 90) % 360 });
    },
    flip: () => {
      const { flipHorizontal } = viewport.getCamera();
      viewport.setCamera({ flipHorizontal: !flipHorizontal });
      viewport.render();
    },
    zoom: (factor) => {
      viewport.setZoom(viewport.getZoom() * factor);
      viewport.render();
    },
    present: (as) => {
      const image = stack.images[viewport.getCurrentImageIdIndex()];
      if (!image) return;
      viewport.resetCamera();
      turn(viewport, image, as);
      // It speaks of values, not of what the image itself calls bright.
      viewport.setProperties({
        ...(as.window ? { voiRange: rangeBy(ends(viewport), as.window) } : {}),
        invert: as.inverse,
      });
      if (as.area) showArea(viewport, image, as.area);
      viewport.render();
    },
    reset: () => {
      viewport.setCamera({ flipHorizontal: false, flipVertical: false });
      const shown = stack.images[drawnIndex(viewport, stack)];
      showOwn(viewport, shown !== undefined && storedInverted(shown.dataset));
      viewport.resetCamera();
      begin(viewport, stack, start);
      viewport.render();
    },
    look: () => lookOf(viewport),
    setLook: (look) => takeLook(viewport, look),
    spot: (at) => {
      const image = stack.images[viewport.getCurrentImageIdIndex()];
      return image ? spotOf(viewport, image, at) : null;
    },
    setSpot: (at, spot) => {
      const image = stack.images[viewport.getCurrentImageIdIndex()];
      if (image) takeSpot(viewport, image, at, spot);
    },
  };
}

/** PET as it is read: black is uptake, and black is the same SUV in every study. */
function showUptake(viewport: StackViewport, stack: Stack): void {
  const { upper, suv } = uptakeRange(stack);
  if (suv !== null) viewport.setProperties({ voiRange: { lower: 0, upper } });
  viewport.setProperties({ invert: true });
}

function begin(viewport: StackViewport, stack: Stack, start: Start | null): void {
  if (start?.window)
    viewport.setProperties({ voiRange: rangeBy(ends(viewport), start.window) });
  else if (stack.modality === 'PT') showUptake(viewport, stack);
  lean(viewport, stack, start?.lean ?? null);
}

/** Whether nobody moved the image since it was hung. */
const isUnmoved = (viewport: StackViewport) => Math.abs(viewport.getZoom() - 1) < 1e-3;

/** Puts a series into an element; answers how to take it out again. */
async function mount(
  element: HTMLDivElement,
  props: StackPaneProps,
  alive: () => boolean,
): Promise<() => void> {
  const { pane, stack, startIndex, start } = props;
  await afterFirstPaint();
  await ensureImaging();
  if (!alive()) return () => undefined;
  const id = viewportId(pane);
  const engine = renderingEngine();
  registerStack(stack);
  makeOpaque(element);
  engine.enableElement({ viewportId: id, type: viewportKinds().stack, element });
  const viewport = engine.getViewport(id) as StackViewport;
  joinTools(id);
  const prefetcher = new Prefetcher(stack);
  const onRendered = () => {
    publish(pane, viewport, stack);
    const shown = stack.images[drawnIndex(viewport, stack)];
    if (shown && shapeGreys(viewport, curveOf(shown.dataset))) viewport.render();
  };
  let begun = false;
  const onNewImage = () => {
    if (!begun) begin(viewport, stack, start);
    begun = true;
    const index = viewport.getCurrentImageIdIndex();
    prefetcher.focus(index);
    tellMove(pane, index);
  };
  const onFailed = (event: Event) => {
    const { detail } = event as CustomEvent<{ imageId?: string; error?: unknown }>;
    // Cornerstone tells everybody of every failure, and some twice.
    if (detail.imageId !== viewport.getCurrentImageId()) return;
    setPane(pane, { loading: false, trouble: troubleOf(detail) });
  };
  element.addEventListener(Enums.Events.IMAGE_RENDERED, onRendered);
  element.addEventListener(Enums.Events.STACK_NEW_IMAGE, onNewImage);
  eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_ERROR, onFailed);
  const unregister = registerPane(pane, controlOf(viewport, props));
  const again = () => {
    if (!start?.lean || !alive() || !isUnmoved(viewport)) return;
    lean(viewport, stack, start.lean);
    viewport.render();
  };
  const resizing = new ResizeObserver(() => resizePanes(again));
  resizing.observe(element);
  viewport
    .setStack(
      stack.images.map((image) => image.imageId),
      startIndex,
    )
    .then(() => {
      // Also where the image could not come: another may.
      if (alive()) prefetcher.focus(startIndex);
    })
    .catch((error: unknown) => {
      if (alive()) setPane(pane, { loading: false, trouble: troubleOf(error) });
    });
  return () => {
    prefetcher.stop();
    resizing.disconnect();
    unregister();
    element.removeEventListener(Enums.Events.IMAGE_RENDERED, onRendered);
    element.removeEventListener(Enums.Events.STACK_NEW_IMAGE, onNewImage);
    eventTarget.removeEventListener(Enums.Events.IMAGE_LOAD_ERROR, onFailed);
    leaveTools(id);
    engine.disableElement(id);
  };
}

/** One viewport with one series. What it shows is told in the view store. */
export function StackPane(props: StackPaneProps) {
  const holder = useRef<HTMLDivElement>(null);
  const { pane, stack, startIndex } = props;
  // Before anything is painted: words of the series before must not be seen over this one.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the label does not remount
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return;
    let alive = true;
    let unmount: () => void = () => undefined;
    setPane(pane, { view: null, trouble: null, loading: true });
    void mount(element, props, () => alive).then((leave) => {
      if (alive) unmount = leave;
      else leave();
    });
    return () => {
      alive = false;
      unmount();
      setPane(pane, { view: null, trouble: null, loading: false });
    };
  }, [pane, stack, startIndex]);
  return (
    <div
      ref={holder}
      className="pane-pixels"
      role="img"
      aria-label={props.label}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}

/** Bytes of decoded images that this browser holds. */
export function usedMemory(): number {
  return cache.getCacheSize();
}
