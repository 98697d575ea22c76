import { Enums, type Types, type VolumeViewport3D } from '@cornerstonejs/core';
import { useEffect, useRef } from 'react';
import type { Vector } from '@/domain/geometry';
import { fromTheFront, type Stand, towardsViewer, turnBody } from '@/domain/turntable';
import { noGraphicsCard } from './plain/choose';
import { renderingEngine, resizePanes } from './setup';
import { applySolid, type SolidPreset } from './solid-presets';
import { setSolid, useSolid } from './solid-store';
import { type PaneControl, registerPane } from './view-store';

const ID = 'solid';
/** Steps of the rays, in parts of a voxel's usual step: at rest, and while it turns. */
interface Steps {
  readonly still: number;
  readonly moving: number;
}
const ON_CARD: Steps = { still: 1, moving: 4 };
const ON_PROCESSOR: Steps = { still: 4, moving: 10 };
const SETTLE_MS = 500;
const DEGREES_A_PIXEL = 0.4;
/** How much larger one step of the wheel makes it. */
const WHEEL = 1.1;

/** Turns what is shown; null while nothing is. */
let turn: ((right: number, down: number) => void) | null = null;

/** Turns the body on the screen by degrees. Says whether there is one. */
export function turnSolid(right: number, down: number): boolean {
  turn?.(right, down);
  return turn !== null;
}

function standOf(viewport: VolumeViewport3D): Stand | null {
  const { position, focalPoint, viewUp } = viewport.getCamera();
  if (!position || !focalPoint || !viewUp) return null;
  return {
    position: position as unknown as Vector,
    focalPoint: focalPoint as unknown as Vector,
    viewUp: viewUp as unknown as Vector,
  };
}

function stand(viewport: VolumeViewport3D, at: Stand): void {
  const to = towardsViewer(at);
  viewport.setCamera({
    position: [...at.position] as Types.Point3,
    focalPoint: [...at.focalPoint] as Types.Point3,
    viewUp: [...at.viewUp] as Types.Point3,
    viewPlaneNormal: [...to] as Types.Point3,
  });
  setSolid({ towards: to });
}

/** Draws coarsely while something changes, finely when it has come to rest. */
function finenessOf(viewport: VolumeViewport3D) {
  const steps = noGraphicsCard() ? ON_PROCESSOR : ON_CARD;
  let settling: ReturnType<typeof setTimeout> | null = null;
  return {
    moving: () => {
      if (settling === null) viewport.setSampleDistanceMultiplier(steps.moving);
      else clearTimeout(settling);
      settling = setTimeout(() => {
        settling = null;
        viewport.setSampleDistanceMultiplier(steps.still);
      }, SETTLE_MS);
    },
    stop: () => {
      if (settling !== null) clearTimeout(settling);
    },
  };
}

function controlOf(
  viewport: VolumeViewport3D,
  { front, zoom }: { front: () => void; zoom: (factor: number) => void },
): PaneControl {
  const nothing = () => undefined;
  return {
    scroll: nothing,
    goTo: nothing,
    reload: () => viewport.render(),
    window: nothing,
    invert: nothing,
    present: nothing,
    rotate: nothing,
    flip: nothing,
    look: () => null,
    setLook: nothing,
    spot: () => null,
    setSpot: nothing,
    zoom,
    reset: front,
  };
}

export interface SolidPaneProps {
  readonly volumeId: string;
  readonly label: string;
  /** The ends of the series' own window. */
  readonly ends: { readonly lower: number; readonly upper: number };
}

function mount(element: HTMLDivElement, { volumeId, ends }: SolidPaneProps) {
  const engine = renderingEngine();
  engine.enableElement({
    viewportId: ID,
    type: Enums.ViewportType.VOLUME_3D,
    element,
    defaultOptions: { background: [0, 0, 0] },
  });
  const viewport = engine.getViewport(ID) as VolumeViewport3D;
  const fine = finenessOf(viewport);
  let alive = true;
  const colour = (preset: SolidPreset) =>
    applySolid(viewport, preset, ends, !noGraphicsCard());
  const front = () => {
    viewport.resetCamera();
    const at = standOf(viewport);
    if (at) stand(viewport, fromTheFront(at));
    viewport.render();
  };
  const zoom = (factor: number) => {
    viewport.setZoom(viewport.getZoom() * factor);
    fine.moving();
    viewport.render();
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    zoom(event.deltaY < 0 ? WHEEL : 1 / WHEEL);
  };
  const onDrawn = () => setSolid((state) => ({ drawn: state.drawn + 1 }));
  element.addEventListener(Enums.Events.IMAGE_RENDERED, onDrawn);
  element.addEventListener('wheel', onWheel, { passive: false });
  const unregister = registerPane(0, controlOf(viewport, { front, zoom }));
  const unfollow = useSolid.subscribe((state, before) => {
    if (!alive || state.preset === before.preset) return;
    colour(state.preset);
    viewport.render();
  });
  const resizing = new ResizeObserver(() => resizePanes());
  void viewport.setVolumes([{ volumeId }]).then(
    () => {
      if (!alive) return;
      colour(useSolid.getState().preset);
      front();
      fine.moving();
      resizing.observe(element);
      turn = (right, down) => {
        const at = standOf(viewport);
        if (!at) return;
        stand(viewport, turnBody(at, right, down));
        fine.moving();
        viewport.render();
      };
    },
    (error: unknown) => {
      if (alive) setSolid({ trouble: error instanceof Error ? error.message : '' });
    },
  );
  return () => {
    alive = false;
    turn = null;
    fine.stop();
    unfollow();
    unregister();
    resizing.disconnect();
    element.removeEventListener(Enums.Events.IMAGE_RENDERED, onDrawn);
    element.removeEventListener('wheel', onWheel);
    engine.disableElement(ID);
  };
}

/** A volume drawn as a body. Dragging turns it, the wheel makes it larger. */
export function SolidPane(props: SolidPaneProps) {
  const holder = useRef<HTMLDivElement>(null);
  const { volumeId, ends } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the label does not remount
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    setSolid({ drawn: 0, trouble: null });
    return mount(element, props);
  }, [volumeId, ends]);
  return (
    <div
      ref={holder}
      className={noGraphicsCard() ? 'pane-pixels half' : 'pane-pixels'}
      role="img"
      aria-label={props.label}
      onContextMenu={(event) => event.preventDefault()}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        turnSolid(event.movementX * DEGREES_A_PIXEL, event.movementY * DEGREES_A_PIXEL);
      }}
    />
  );
}
