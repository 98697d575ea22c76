import { Enums, type Types, type VolumeViewport } from '@cornerstonejs/core';
import { useEffect, useRef } from 'react';
import { affineThrough, type Vector } from '@/domain/geometry';
import {
  cameraOf,
  type Grid,
  type View,
  voxelAt,
  wayInto,
  wayOf,
  worldOf,
} from '@/domain/volume';
import { type GreyRange, type GreyWindow, rangeBy, windowBy } from '@/domain/windows';
import { type MprLook, moveAlong, type SlabMode, setMprView, useMpr } from './mpr-store';
import { makeOpaque } from './opaque';
import { viewportKinds } from './plain/register';
import { scrollAgainst } from './scroll-tool';
import { joinTools, leaveTools, renderingEngine, resizePanes } from './setup';
import { type PaneControl, registerPane } from './view-store';
import { shapeGreys, type Tones } from './voi-curve';

export interface MprPaneProps {
  readonly pane: number;
  readonly volumeId: string;
  readonly grid: Grid;
  readonly view: View;
  /** How values become grey. */
  readonly tones: Tones;
  /** The window that the images state; null for none. */
  readonly stated: GreyWindow | null;
  /** What a reset shows. */
  readonly home: MprLook;
  /** What the planes begin with. */
  readonly look: MprLook;
  readonly label: string;
}

const viewportId = (pane: number) => `mpr-${pane}`;
const ALL = [0, 1, 2] as const;

const vector = (from: Types.Point3, to: Types.Point3): Vector => [
  to[0] - from[0],
  to[1] - from[1],
  to[2] - from[2],
];
/** Cornerstone answers null before the volume is set. */
const propertiesOf = (viewport: VolumeViewport) => viewport.getProperties() ?? {};

const sizeOf = (v: Vector) => Math.hypot(v[0], v[1], v[2]);
const unit = (v: Vector): Vector => {
  const size = sizeOf(v) || 1;
  return [v[0] / size, v[1] / size, v[2] / size];
};

/** The map from the view's two indices to the screen, in the plane of the focus. */
function matrixOf(viewport: VolumeViewport, { grid, view }: MprPaneProps) {
  const { focus } = useMpr.getState();
  const { size } = grid;
  const at = (across: number, down: number) => {
    const index = [...focus] as [number, number, number];
    index[view.across] = across;
    index[view.down] = down;
    const [x, y] = viewport.worldToCanvas([...worldOf(grid, index)] as Types.Point3);
    return [x, y] as const;
  };
  const wide = Math.max(1, size[view.across] - 1);
  const high = Math.max(1, size[view.down] - 1);
  const full = affineThrough(at(0, 0), at(wide, 0), at(0, high));
  return {
    a: full.a / wide,
    b: full.b / wide,
    c: full.c / high,
    d: full.d / high,
    e: full.e,
    f: full.f,
  };
}

function publish(viewport: VolumeViewport, props: MprPaneProps): void {
  const { clientWidth, clientHeight } = viewport.element;
  const zero = viewport.canvasToWorld([0, 0]);
  const right = vector(zero, viewport.canvasToWorld([100, 0]));
  const below = vector(zero, viewport.canvasToWorld([0, 100]));
  const { voiRange, invert = false } = propertiesOf(viewport);
  const { by, inverted } = props.tones;
  setMprView(props.view.name, {
    matrix: matrixOf(viewport, props),
    right: unit(right),
    below: unit(below),
    width: clientWidth,
    height: clientHeight,
    mmPerPixel: sizeOf(right) / 100,
    window: voiRange ? windowBy(by, voiRange) : null,
    inverted: invert !== inverted,
  });
}

/** Puts the camera onto the plane of the focus, keeping zoom and pan. */
function showFocus(viewport: VolumeViewport, { grid, view }: MprPaneProps): void {
  const { focalPoint, position } = viewport.getCamera();
  if (!focalPoint || !position) return;
  const at = voxelAt(grid, focalPoint as unknown as Vector);
  const by = useMpr.getState().focus[view.through] - at[view.through];
  if (Math.abs(by) < 1e-4) return;
  const step = grid.steps[view.through];
  const move = (point: Types.Point3): Types.Point3 => [
    point[0] + step[0] * by,
    point[1] + step[1] * by,
    point[2] + step[2] * by,
  ];
  viewport.setCamera({ focalPoint: move(focalPoint), position: move(position) });
}

/** Scrolling moved the camera: the crosshairs follow along the view's axis. */
function followCamera(viewport: VolumeViewport, { grid, view }: MprPaneProps): void {
  const { focalPoint } = viewport.getCamera();
  if (!focalPoint) return;
  const at = voxelAt(grid, focalPoint as unknown as Vector);
  moveAlong(view.through, at[view.through]);
}

function viewportsOf(): readonly VolumeViewport[] {
  return ALL.flatMap((pane) => {
    const viewport = renderingEngine().getViewport(viewportId(pane));
    return viewport ? [viewport as VolumeViewport] : [];
  });
}

/** Shows a window, or that of the images, in one view. */
function applyWindow(
  viewport: VolumeViewport,
  { tones }: MprPaneProps,
  window: GreyWindow | null,
): void {
  const voiRange = window ? rangeBy(tones.by, window) : ownRanges.get(viewport);
  if (voiRange) viewport.setProperties({ voiRange: { ...voiRange } });
}

function applyLook(
  viewport: VolumeViewport,
  props: MprPaneProps,
  { window, inverted }: MprLook,
): void {
  applyWindow(viewport, props, window);
  viewport.setProperties({ invert: inverted !== props.tones.inverted });
}

/** The range that a view had before anybody chose one. */
const ownRanges = new WeakMap<VolumeViewport, GreyRange>();

/** Gives a new view the images' own greys, then what is looked at with now. */
function beginGreys(viewport: VolumeViewport, props: MprPaneProps): void {
  const { tones, stated, look } = props;
  shapeGreys(viewport, tones.greys);
  // Cornerstone makes of every window a linear one.
  const own = stated ? rangeBy(tones.by, stated) : propertiesOf(viewport).voiRange;
  if (own) ownRanges.set(viewport, own);
  const [shown = look] = Object.values(useMpr.getState().views);
  applyLook(viewport, props, shown);
}

function controlOf(viewport: VolumeViewport, props: MprPaneProps): PaneControl {
  const { grid, view } = props;
  const way = wayOf(grid, view);
  const eachProperty = (change: (one: VolumeViewport) => void) => {
    for (const one of viewportsOf()) {
      change(one);
      one.render();
    }
  };
  return {
    scroll: (by) =>
      moveAlong(view.through, useMpr.getState().focus[view.through] + by * way),
    goTo: (number) => {
      const last = grid.size[view.through] - 1;
      moveAlong(view.through, way > 0 ? number : last - number);
    },
    reload: () => viewport.render(),
    window: (to) =>
      eachProperty((one) => applyWindow(one, props, to ?? props.home.window)),
    invert: () => {
      const invert = !propertiesOf(viewport).invert;
      eachProperty((one) => {
        one.setProperties({ invert });
      });
    },
    present: () => undefined,
    rotate: () => undefined,
    flip: () => undefined,
    look: () => null,
    setLook: () => undefined,
    spot: () => null,
    setSpot: () => undefined,
    zoom: (factor) => {
      viewport.setZoom(viewport.getZoom() * factor);
      viewport.render();
    },
    reset: () => {
      for (const one of viewportsOf()) {
        applyLook(one, props, props.home);
        one.resetCamera();
      }
      centreFocus(grid);
      for (const one of viewportsOf()) one.render();
    },
  };
}

function centreFocus(grid: Grid): void {
  useMpr.setState({
    focus: grid.size.map((n) => Math.floor(n / 2)) as unknown as Vector,
  });
}

/** The window chosen in one view is the window of all three. */
function shareWindow(from: VolumeViewport): void {
  const { voiRange } = propertiesOf(from);
  if (!voiRange) return;
  for (const one of viewportsOf()) {
    const { lower, upper } = propertiesOf(one).voiRange ?? {};
    if (one === from || (lower === voiRange.lower && upper === voiRange.upper)) continue;
    one.setProperties({ voiRange: { ...voiRange } }, undefined, true);
    one.render();
  }
}

const BLENDS = {
  none: Enums.BlendModes.COMPOSITE,
  mip: Enums.BlendModes.MAXIMUM_INTENSITY_BLEND,
  minip: Enums.BlendModes.MINIMUM_INTENSITY_BLEND,
  mean: Enums.BlendModes.AVERAGE_INTENSITY_BLEND,
} as const satisfies Record<SlabMode, unknown>;
/** Cornerstone's own thickness of a plane without a slab, mm. */
const THIN = 0.05;

function applySlab(viewport: VolumeViewport): void {
  const { mode, mm } = useMpr.getState().slab;
  viewport.setBlendMode(BLENDS[mode]);
  // It reaches as far as it is told to either side of the plane.
  viewport.setSlabThickness(mode === 'none' ? THIN : mm / 2);
  viewport.render();
}

async function mount(element: HTMLDivElement, props: MprPaneProps) {
  const engine = renderingEngine();
  const id = viewportId(props.pane);
  const { normal, up } = cameraOf(props.view);
  makeOpaque(element);
  engine.enableElement({
    viewportId: id,
    type: viewportKinds().planes,
    element,
    defaultOptions: {
      orientation: {
        viewPlaneNormal: [...normal] as Types.Point3,
        viewUp: [...up] as Types.Point3,
      },
      background: [0, 0, 0],
    },
  });
  const viewport = engine.getViewport(id) as VolumeViewport;
  joinTools(id);
  scrollAgainst(id, wayOf(props.grid, props.view) === wayInto(props.grid, props.view));
  let alive = true;
  const onRendered = () => publish(viewport, props);
  const onCamera = () => followCamera(viewport, props);
  const onWindow = () => shareWindow(viewport);
  const events = [
    [Enums.Events.IMAGE_RENDERED, onRendered],
    [Enums.Events.CAMERA_MODIFIED, onCamera],
    [Enums.Events.VOI_MODIFIED, onWindow],
  ] as const;
  const unregister = registerPane(props.pane, controlOf(viewport, props));
  const resizing = new ResizeObserver(() => resizePanes());
  const leave = () => {
    alive = false;
    unfollow();
    resizing.disconnect();
    unregister();
    for (const [name, handler] of events) element.removeEventListener(name, handler);
    leaveTools(id);
    scrollAgainst(id, false);
    engine.disableElement(id);
  };
  const unfollow = useMpr.subscribe((state, before) => {
    if (!alive) return;
    if (state.slab !== before.slab) applySlab(viewport);
    if (state.focus === before.focus) return;
    showFocus(viewport, props);
    viewport.render();
  });
  const ready = viewport.setVolumes([{ volumeId: props.volumeId }]).then(() => {
    if (!alive) return;
    viewport.resetCamera();
    beginGreys(viewport, props);
    showFocus(viewport, props);
    for (const [name, handler] of events) element.addEventListener(name, handler);
    resizing.observe(element);
    viewport.render();
  });
  return { ready, leave };
}

/** One of the three views through a volume. What it shows is told in the MPR store. */
export function MprPane(props: MprPaneProps) {
  const holder = useRef<HTMLDivElement>(null);
  const { pane, volumeId, grid, view } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the label does not remount
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    let leave: (() => void) | null = null;
    let alive = true;
    void mount(element, props).then((mounted) => {
      leave = mounted.leave;
      if (!alive) leave();
      mounted.ready.catch((error: unknown) => {
        const words = error instanceof Error ? error.message : '';
        if (alive) useMpr.setState({ trouble: words });
      });
    });
    return () => {
      alive = false;
      leave?.();
    };
  }, [pane, volumeId, grid, view]);
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
