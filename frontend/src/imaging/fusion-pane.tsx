import { cache, Enums, type Types, type VolumeViewport } from '@cornerstonejs/core';
import { useEffect, useRef } from 'react';
import { type Affine, affineThrough, imageToPatient } from '@/domain/geometry';
import {
  cameraOf,
  type Grid,
  PLANES,
  type View,
  viewsOf,
  worldOf,
} from '@/domain/volume';
import { type GreyRange, type GreyWindow, rangeBy, windowBy } from '@/domain/windows';
import { openVolume } from './mpr-volume';
import type { ImageRef, Stack } from './pack';
import { renderingEngine, resizePanes } from './setup';
import { uptakeRange } from './uptake';
import { type PaneControl, registerPane, setPane } from './view-store';
import { shapeGreys, type Tones } from './voi-curve';

/** A series that lies on a grid, so that it can be laid over another. */
export interface Volume {
  readonly stack: Stack;
  readonly grid: Grid;
}

export interface FusionPaneProps {
  readonly pane: number;
  readonly base: Volume;
  readonly over: Volume;
  readonly startIndex: number;
  /** How the lower series' values become grey. */
  readonly tones: Tones;
  /** The window that its images state; null for none. */
  readonly stated: GreyWindow | null;
  /** The window to begin with; null for what is stated. */
  readonly window: GreyWindow | null;
  /** Of the colours, 0 (none) to 1. */
  readonly opacity: number;
  readonly label: string;
}

export const UPTAKE_COLOURS = 'overread-uptake';
/** Below this part of the range the colours let the image through. */
const FADE = 0.12;

/** The view along the acquired slices. */
function acquiredView(grid: Grid): View {
  const views = viewsOf(grid);
  return views[PLANES.find((name) => views[name].through === 2) ?? 'axial'];
}

function matrixOf(viewport: VolumeViewport, image: ImageRef): Affine {
  const at = (x: number, y: number) => {
    const world = imageToPatient(image.plane, [x, y]);
    const [left, top] = viewport.worldToCanvas([...world] as Types.Point3);
    return [left, top] as const;
  };
  const full = affineThrough(at(0, 0), at(image.columns, 0), at(0, image.rows));
  return {
    a: full.a / image.columns,
    b: full.b / image.columns,
    c: full.c / image.rows,
    d: full.d / image.rows,
    e: full.e,
    f: full.f,
  };
}

/** One fused viewport: where it stands, and what can be done to it. */
class Fused {
  readonly viewport: VolumeViewport;
  readonly #props: FusionPaneProps;
  readonly #volumes: { readonly base: string; readonly over: string };
  #index: number;
  /** The range of the lower series before anybody chose one. */
  #own: GreyRange | null = null;

  constructor(
    viewport: VolumeViewport,
    volumes: { readonly base: string; readonly over: string },
    props: FusionPaneProps,
  ) {
    this.viewport = viewport;
    this.#volumes = volumes;
    this.#props = props;
    this.#index = props.startIndex;
  }

  async show(): Promise<void> {
    const { base, over } = this.#volumes;
    const { stated, tones } = this.#props;
    await this.viewport.setVolumes([{ volumeId: base }, { volumeId: over }]);
    this.viewport.resetCamera();
    // The lower series comes first, and its greys are those of the first actor.
    shapeGreys(this.viewport, tones.greys);
    // Cornerstone makes of every window a linear one.
    const { voiRange } = this.viewport.getProperties(base) ?? {};
    this.#own = stated ? rangeBy(tones.by, stated) : (voiRange ?? null);
    this.look();
    this.colour(this.#props.opacity);
    this.goTo(this.#index);
  }

  /** Shows the lower series as it is hung: its window, and which end is bright. */
  look(): void {
    this.window(null);
    const { inverted } = this.#props.tones;
    this.viewport.setProperties({ invert: inverted }, this.#volumes.base);
  }

  window(to: GreyWindow | null): void {
    const { tones, window } = this.#props;
    const wanted = to ?? window;
    const voiRange = wanted ? rangeBy(tones.by, wanted) : this.#own;
    if (!voiRange) return;
    this.viewport.setProperties({ voiRange: { ...voiRange } }, this.#volumes.base);
  }

  /** Colours of the upper series; what takes up little lets the lower one through. */
  colour(opacity: number): void {
    const { upper } = uptakeRange(this.#props.over.stack);
    this.viewport.setProperties(
      {
        voiRange: { lower: 0, upper },
        colormap: {
          name: UPTAKE_COLOURS,
          opacity: [
            { value: 0, opacity: 0 },
            { value: upper * FADE, opacity: opacity * 0.4 },
            { value: upper * FADE * 3, opacity },
            { value: upper, opacity },
          ],
        },
      },
      this.#volumes.over,
    );
    this.viewport.render();
  }

  goTo(index: number): void {
    const { base } = this.#props;
    const last = base.stack.images.length - 1;
    this.#index = Math.min(last, Math.max(0, index));
    const slice = base.grid.order.indexOf(this.#index);
    const { focalPoint, position } = this.viewport.getCamera();
    if (slice < 0 || !focalPoint || !position) return;
    const wanted = worldOf(base.grid, [0, 0, slice]);
    const [, , step] = base.grid.steps;
    const size = Math.hypot(...step);
    const by = step.reduce(
      (sum, n, axis) =>
        sum + (n / size) * ((wanted[axis] ?? 0) - (focalPoint[axis] ?? 0)),
      0,
    );
    const move = (point: Types.Point3): Types.Point3 => [
      point[0] + (step[0] / size) * by,
      point[1] + (step[1] / size) * by,
      point[2] + (step[2] / size) * by,
    ];
    this.viewport.setCamera({ focalPoint: move(focalPoint), position: move(position) });
    this.viewport.render();
  }

  publish(): void {
    const { pane, base, tones } = this.#props;
    const image = base.stack.images[this.#index];
    if (!image) return;
    if (!cache.isLoaded(image.imageId)) {
      // The volume is drawn before its slices have come, as black.
      setPane(pane, { loading: true });
      return;
    }
    const { voiRange, invert = false } =
      this.viewport.getProperties(this.#volumes.base) ?? {};
    setPane(pane, {
      loading: false,
      trouble: null,
      view: {
        series: base.stack.index,
        uid: base.stack.uid,
        stack: base.stack,
        index: this.#index,
        count: base.stack.images.length,
        image,
        matrix: matrixOf(this.viewport, image),
        width: this.viewport.element.clientWidth,
        height: this.viewport.element.clientHeight,
        window: voiRange ? windowBy(tones.by, voiRange) : null,
        inverted: invert !== tones.inverted,
      },
    });
  }

  control(): PaneControl {
    const { viewport } = this;
    const { base } = this.#volumes;
    return {
      goTo: (index) => this.goTo(index),
      scroll: (by) => this.goTo(this.#index + by),
      window: (to) => {
        this.window(to);
        viewport.render();
      },
      invert: () => {
        const { invert } = viewport.getProperties(base) ?? {};
        viewport.setProperties({ invert: !invert }, base);
        viewport.render();
      },
      rotate: () => undefined,
      flip: () => undefined,
      present: () => undefined,
      zoom: (factor) => {
        viewport.setZoom(viewport.getZoom() * factor);
        viewport.render();
      },
      reset: () => {
        this.look();
        viewport.resetCamera();
        this.goTo(this.#index);
      },
      look: () => null,
      setLook: ({ zoom, pan }) => {
        const { clientWidth, clientHeight } = viewport.element;
        viewport.setZoom(zoom);
        viewport.setPan([pan[0] * clientWidth, pan[1] * clientHeight]);
        viewport.render();
      },
      spot: () => null,
      setSpot: () => undefined,
      reload: () => viewport.render(),
    };
  }
}

async function mount(element: HTMLDivElement, props: FusionPaneProps) {
  const [base, over] = await Promise.all([
    openVolume(props.base.stack, props.base.grid, 'overlay'),
    openVolume(props.over.stack, props.over.grid, 'overlay'),
  ]);
  const engine = renderingEngine();
  const viewportId = `fusion-${props.pane}`;
  const { normal, up } = cameraOf(acquiredView(props.base.grid));
  engine.enableElement({
    viewportId,
    type: Enums.ViewportType.ORTHOGRAPHIC,
    element,
    defaultOptions: {
      orientation: {
        viewPlaneNormal: [...normal] as Types.Point3,
        viewUp: [...up] as Types.Point3,
      },
      background: [0, 0, 0],
    },
  });
  const viewport = engine.getViewport(viewportId) as VolumeViewport;
  const fused = new Fused(viewport, { base: base.id, over: over.id }, props);
  const onRendered = () => fused.publish();
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    fused.control().scroll(event.deltaY > 0 ? 1 : -1);
  };
  element.addEventListener(Enums.Events.IMAGE_RENDERED, onRendered);
  element.addEventListener('wheel', onWheel, { passive: false });
  const unregister = registerPane(props.pane, fused.control());
  const resizing = new ResizeObserver(() => resizePanes());
  resizing.observe(element);
  await fused.show();
  const leave = () => {
    resizing.disconnect();
    unregister();
    element.removeEventListener(Enums.Events.IMAGE_RENDERED, onRendered);
    element.removeEventListener('wheel', onWheel);
    engine.disableElement(viewportId);
    setTimeout(() => {
      base.close();
      over.close();
    });
  };
  return { fused, leave };
}

/** One series in grey with another laid over it in colour, slice by slice. */
export function FusionPane(props: FusionPaneProps) {
  const holder = useRef<HTMLDivElement>(null);
  const fused = useRef<Fused | null>(null);
  const { pane, base, over, startIndex, opacity } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: opacity and label do not remount
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    let alive = true;
    let leave: () => void = () => undefined;
    setPane(pane, { view: null, trouble: null, loading: true });
    mount(element, props).then(
      (mounted) => {
        leave = mounted.leave;
        if (alive) fused.current = mounted.fused;
        else leave();
      },
      (error: unknown) => {
        const detail = error instanceof Error ? error.message : '';
        if (alive) setPane(pane, { loading: false, trouble: { kind: 'decode', detail } });
      },
    );
    return () => {
      alive = false;
      fused.current = null;
      leave();
      setPane(pane, { view: null, trouble: null, loading: false });
    };
  }, [pane, base, over, startIndex]);
  useEffect(() => fused.current?.colour(opacity), [opacity]);
  return <div ref={holder} className="pane-pixels" role="img" aria-label={props.label} />;
}
