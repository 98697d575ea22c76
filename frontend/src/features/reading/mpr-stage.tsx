import './mpr.css';
import {
  type PointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatInteger, formatSigned } from '@/domain/format';
import {
  type Affine,
  apply,
  invert,
  type Point,
  pickScale,
  type Vector,
} from '@/domain/geometry';
import { framesOf, type Mask, patchIn } from '@/domain/mask';
import type { Manifest } from '@/domain/model';
import { isSegmentTool } from '@/domain/segment/tools';
import {
  type Grid,
  isGrid,
  lettersAt,
  numberOf,
  PLANES,
  type PlaneName,
  type View,
  viewsOf,
  worldOf,
} from '@/domain/volume';
import { colourMapOf } from '@/imaging/colour-map';
import { MprPane } from '@/imaging/mpr-pane';
import { beginMpr, type MprView, moveFocus, useMpr } from '@/imaging/mpr-store';
import { openVolume } from '@/imaging/mpr-volume';
import type { PackIndex, Stack } from '@/imaging/pack';
import { middleOf } from '@/imaging/uptake';
import type { PaneView } from '@/imaging/view-store';
import type { Tones } from '@/imaging/voi-curve';
import { useDisplay } from '@/state/display';
import { canWrite, leaveMpr, setRoom, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { Notice } from '@/ui/primitives';
import { registerPicture } from './capture-pane';
import { ForeignPlane } from './foreign-layer';
import { MaskLayer, MaskLegend } from './masks';
import { MarksSeen } from './measure-layer';
import { type Greys, greysOf, paneOf } from './mpr-greys';
import { PlaneSegments } from './plane-segments';
import { SaliencyLayer, SaliencyLegend, useSaliency } from './saliency-layer';
import { SlabBar, SlabWord } from './slab-bar';
import { SolidStage } from './solid-stage';
import { useGrid, useStack } from './use-pack';
import { windowWords } from './window-words';

const words = text.mpr;
/** Half of the gap that the crosshairs leave around what they point at, CSS pixels. */
const GAP = 18;
/** A view that is turned less than this is named without a word on it. */
const STRAIGHT_DEGREES = 2;
/** The patient's axis that a view looks along, and the letters of its two ends. */
const WORLD_AXIS = {
  axial: { at: 2, letters: ['F', 'H'] },
  coronal: { at: 1, letters: ['A', 'P'] },
  sagittal: { at: 0, letters: ['R', 'L'] },
} as const satisfies Record<PlaneName, unknown>;

const AREAS = ['main', 'upper', 'lower'] as const;

/** The plane that was acquired comes first, as the large one. */
function hang(views: Readonly<Record<PlaneName, View>>): readonly PlaneName[] {
  const acquired = planeAcross(views, 2);
  return [acquired, ...PLANES.filter((name) => name !== acquired)];
}

/** Where a plane lies: an acquired one says so itself, others by the patient's axes. */
function placeText(
  { view, grid, stack }: Omit<OverProps, 'views' | 'shown'>,
  focus: Vector,
) {
  const stated = stack.images[grid.order[focus[2]] ?? 0]?.location ?? null;
  if (view.through === 2 && stated !== null) {
    return text.room.location(formatSigned(stated, 1));
  }
  const { at, letters } = WORLD_AXIS[view.name];
  const mm = worldOf(grid, focus)[at];
  return words.place(letters[mm < 0 ? 0 : 1], Math.abs(mm).toFixed(1));
}

/** The plane that lies across a grid axis. */
function planeAcross(views: Readonly<Record<PlaneName, View>>, axis: number): PlaneName {
  return PLANES.find((name) => views[name].through === axis) ?? 'axial';
}

interface LineProps {
  readonly at: Point;
  /** Direction on the screen, of any length. */
  readonly along: Point;
  readonly reach: number;
  readonly plane: PlaneName;
}

/** One reference line, with a gap where it crosses the other. */
function Line({ at, along, reach, plane }: LineProps) {
  const size = Math.hypot(along[0], along[1]) || 1;
  const [x, y] = [along[0] / size, along[1] / size];
  const ends = [-1, 1].map((side) => ({
    x1: at[0] + x * GAP * side,
    y1: at[1] + y * GAP * side,
    x2: at[0] + x * reach * side,
    y2: at[1] + y * reach * side,
  }));
  return ends.map((end) => (
    <g key={end.x2 + end.y2 * 1e5}>
      <line className="cross-halo" {...end} />
      <line className={`cross-line ${plane}`} {...end} />
    </g>
  ));
}

interface OverProps {
  readonly view: View;
  readonly views: Readonly<Record<PlaneName, View>>;
  readonly shown: MprView;
  readonly grid: Grid;
  readonly stack: Stack;
}

function Crosshairs({ view, views, shown }: OverProps) {
  const focus = useMpr((state) => state.focus);
  const bright = useRoom((state) => state.tool === 'cross');
  const { matrix, width, height } = shown;
  const at = apply(matrix, [focus[view.across], focus[view.down]]);
  const reach = width + height;
  return (
    <svg className={bright ? 'crosshairs' : 'crosshairs dim'} aria-hidden="true">
      <Line
        at={at}
        along={[matrix.c, matrix.d]}
        reach={reach}
        plane={planeAcross(views, view.across)}
      />
      <Line
        at={at}
        along={[matrix.a, matrix.b]}
        reach={reach}
        plane={planeAcross(views, view.down)}
      />
    </svg>
  );
}

function Corners({ view, shown, grid, stack }: OverProps) {
  const focus = useMpr((state) => state.focus);
  const { name, through, degreesOff } = view;
  const bar = pickScale(shown.mmPerPixel, shown.width / 5);
  const edges = lettersAt(shown.right, shown.below);
  const middle = middleOf(stack);
  return (
    <>
      <div className="corner tl">
        <b>
          <i className={`swatch ${name}`} />
          {words.planes[name]}
          {degreesOff > STRAIGHT_DEGREES ? `, ${words.oblique(degreesOff)}` : ''}
        </b>
        <div>
          {text.room.seriesName(stack.number, stack.description || stack.modality)}
        </div>
      </div>
      <div className="corner tr">
        {words.slice(
          formatInteger(numberOf(grid, view, focus[through])),
          formatInteger(grid.size[through]),
        )}
        <div>{through === 2 ? words.acquired : words.computed}</div>
        <SlabWord />
      </div>
      <div className="corner bl">
        {shown.window && middle
          ? windowWords(shown.window, stack.modality, middle)
          : null}
        {shown.inverted ? ` · ${text.room.inverted}` : ''}
      </div>
      <div className="corner br">{placeText({ view, grid, stack }, focus)}</div>
      <span className="edge top">{edges.top}</span>
      <span className="edge left">{edges.left}</span>
      <span className="edge right">{edges.right}</span>
      {bar ? (
        <div className="scale">
          <i style={{ width: bar.pixels }} />
          {text.room.scale(bar.mm)}
        </div>
      ) : null}
    </>
  );
}

interface MasksProps extends OverProps {
  readonly pane: number;
  readonly active: boolean;
}

/** Where findings' shapes and one's own segments are cut by this plane. */
function PlaneMasks({ view, shown, grid, stack, pane, active }: MasksProps) {
  const at = useMpr((state) => state.focus[view.through]);
  const sopUids = useMemo(() => stack.images.map((image) => image.sopUid), [stack]);
  const patchOf = useCallback(
    (mask: Mask) => patchIn(mask, framesOf(mask, grid, sopUids), view, at),
    [grid, sopUids, view, at],
  );
  return (
    <>
      <MaskLayer
        seriesUid={stack.uid}
        matrix={shown.matrix}
        shift={-0.5}
        patchOf={patchOf}
      />
      <PlaneSegments {...{ pane, active, grid, view, at, stack, shown }} />
      <ForeignPlane {...{ grid, view, at, stack }} matrix={shown.matrix} />
      {view.through === 2 ? <MaskLegend seriesUid={stack.uid} /> : null}
    </>
  );
}

/** From an image's own columns and rows to the screen, in the plane that it is. */
function imageMatrix({ view, shown }: Pick<OverProps, 'view' | 'shown'>): Affine {
  const { a, b, c, d, e, f } = shown.matrix;
  // The image's columns go along the grid's first axis, whichever way it is hung.
  const turned = view.across !== 0;
  return {
    ...(turned ? { a: c, b: d, c: a, d: b } : { a, b, c, d }),
    // Image space counts from corners of pixels, the grid from their centres.
    e: e - (a + c) / 2,
    f: f - (b + d) / 2,
  };
}

/** Saliency over the very image that it was computed for; it has no depth to be cut. */
function PlaneSaliency({ view, shown, grid, stack }: Omit<OverProps, 'views'>) {
  const slice = useMpr((state) => state.focus[2]);
  const saliency = useSaliency(stack.images);
  if (view.through !== 2 || !saliency) return null;
  if (saliency.place !== grid.order[slice]) return null;
  const [columns, rows] = grid.size;
  const matrix = imageMatrix({ view, shown });
  return (
    <>
      <SaliencyLayer saliency={saliency} place={{ columns, rows, matrix }} />
      <SaliencyLegend cutOff={saliency.cutOff} />
    </>
  );
}

/** The reader's measurements on the acquired image that the plane is. */
function PlaneMarks({ view, shown, grid, stack }: Omit<OverProps, 'views'>) {
  const slice = useMpr((state) => state.focus[2]);
  const series = useRoom((state) => state.mpr);
  const seen = useMemo((): PaneView | null => {
    const index = grid.order[slice] ?? -1;
    const image = stack.images[index];
    if (view.through !== 2 || !image || series === null) return null;
    const matrix = imageMatrix({ view, shown });
    const { width, height, window, inverted } = shown;
    return {
      ...{ series, uid: stack.uid, stack, index, count: stack.images.length, image },
      ...{ matrix, width, height, window, inverted },
    };
  }, [view, shown, grid, stack, slice, series]);
  return seen ? <MarksSeen view={seen} /> : null;
}

/** Puts the crosshairs where the pointer is, while the crosshair tool is chosen. */
function usePointing(view: View) {
  const tool = useRoom((state) => state.tool);
  const point = (event: PointerEvent<HTMLDivElement>) => {
    const shown = useMpr.getState().views[view.name];
    const back = shown ? invert(shown.matrix) : null;
    if (!back) return;
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const [across, down] = apply(back, [event.clientX - left, event.clientY - top]);
    const index = [...useMpr.getState().focus] as [number, number, number];
    index[view.across] = across;
    index[view.down] = down;
    moveFocus(index);
  };
  if (tool !== 'cross') return {};
  return {
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      if (event.button !== 0 || event.shiftKey) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      point(event);
    },
    onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
      if (event.currentTarget.hasPointerCapture(event.pointerId)) point(event);
    },
  };
}

/** Lets the plane in a pane be saved as a picture. */
function usePicture(
  pane: number,
  { view, grid, stack }: Pick<PlanePaneProps, 'view' | 'grid' | 'stack'>,
): RefObject<HTMLDivElement | null> {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(
    () =>
      registerPicture(pane, () => {
        const at = useMpr.getState().focus[view.through];
        const what = `${view.name}-${numberOf(grid, view, at)}`;
        const { current: element } = holder;
        return element && { element, stack, what };
      }),
    [pane, view, grid, stack],
  );
  return holder;
}

interface PlanePaneProps {
  readonly pane: number;
  readonly view: View;
  readonly views: Readonly<Record<PlaneName, View>>;
  readonly volumeId: string;
  readonly grid: Grid;
  readonly stack: Stack;
  readonly greys: Greys;
}

function PlanePane(props: PlanePaneProps) {
  const { pane, view, views, volumeId, grid, stack, greys } = props;
  const holder = usePicture(pane, props);
  const active = useRoom((state) => state.activePane === pane);
  const crossing = useRoom((state) => state.tool === 'cross');
  const painting = useRoom((state) => isSegmentTool(state.tool) && canWrite(state));
  const shown = useMpr((state) => state.views[view.name] ?? null);
  const name = text.room.seriesName(stack.number, stack.description || stack.modality);
  const kinds = [
    'pane',
    view.name,
    AREAS[pane],
    active ? 'active' : '',
    crossing ? 'crossing' : '',
  ];
  return (
    <div
      ref={holder}
      className={kinds.filter(Boolean).join(' ')}
      data-mark={painting ? 'paint' : undefined}
      onPointerDownCapture={() => setRoom({ activePane: pane })}
      {...usePointing(view)}
    >
      <MprPane
        pane={pane}
        volumeId={volumeId}
        grid={grid}
        view={view}
        label={words.pane(words.planes[view.name], name)}
        {...greys}
      />
      {shown ? (
        <div className="pane-over">
          <PlaneSaliency {...{ view, shown, grid, stack }} />
          <PlaneMasks {...{ view, views, shown, grid, stack, pane, active }} />
          <PlaneMarks {...{ view, shown, grid, stack }} />
          <Crosshairs {...{ view, views, shown, grid, stack }} />
          <Corners {...{ view, views, shown, grid, stack }} />
        </div>
      ) : null}
    </div>
  );
}

/** Says what of the images a plane through them has not. */
function Lost({ stack, tones }: { stack: Stack; tones?: Tones }) {
  const [first] = stack.images;
  const saliency = useSaliency(stack.images);
  const lost = [
    first && colourMapOf(first.dataset) !== null ? words.coloursLost : '',
    tones?.differ ? words.tonesDiffer : '',
    saliency ? words.saliencyOn(formatInteger(saliency.place + 1)) : '',
  ].filter(Boolean);
  if (lost.length === 0) return null;
  return <p className="mpr-word lost">{lost.join(' ')}</p>;
}

/** How far the slices are, and how many of them are missing. */
function Words({ onRetry }: { onRetry: () => void }) {
  const { done, of } = useMpr((state) => state.loaded);
  const failed = useMpr((state) => state.failed);
  if (failed > 0) {
    return (
      <p className="mpr-word bad" role="alert">
        {words.failed(failed)}{' '}
        <button type="button" onClick={onRetry}>
          {text.common.retry}
        </button>
      </p>
    );
  }
  if (of === 0 || done >= of) return null;
  return (
    <output className="mpr-word">
      {words.loading(formatInteger(done), formatInteger(of))}
    </output>
  );
}

/** Where the crosshairs begin: on the image that the stack showed. */
function startOf(uid: string, grid: Grid): Vector {
  const shown = paneOf(uid);
  const place = shown ? grid.order.indexOf(shown.index) : -1;
  const [nx, ny, nz] = grid.size;
  return [nx / 2, ny / 2, place < 0 ? nz / 2 : place];
}

/** Opens the volume while the planes are on the screen; its memory is freed after. */
function useOpenVolume(
  stack: Stack,
  grid: Grid,
  start: Vector,
  tries: number,
): string | null {
  const [id, setId] = useState<string | null>(null);
  useEffect(() => {
    let alive = true;
    let close: () => void = () => undefined;
    beginMpr(stack.uid, grid, tries > 0 ? useMpr.getState().focus : start);
    openVolume(stack, grid).then(
      (volume) => {
        close = volume.close;
        if (alive) setId(volume.id);
        else close();
      },
      (error: unknown) => {
        const detail = error instanceof Error ? error.message : '';
        if (alive) useMpr.setState({ trouble: detail });
      },
    );
    return () => {
      alive = false;
      setId(null);
      // After the viewports have let go of it.
      setTimeout(() => close());
    };
  }, [stack, grid, start, tries]);
  return id;
}

/** A jump to an image goes to its plane. */
function useJumps(stack: Stack, grid: Grid): void {
  const jump = useRoom((state) => state.jump);
  useEffect(() => {
    if (!jump) return;
    const place = stack.images.findIndex(
      (image) => image.sopUid === jump.sopUid && image.frame === jump.frame,
    );
    if (place < 0) return;
    const slice = grid.order.indexOf(place);
    const { focus } = useMpr.getState();
    const [x, y] = jump.at ?? [focus[0] + 0.5, focus[1] + 0.5];
    // Image space counts from corners of pixels, the grid from their centres.
    moveFocus([x - 0.5, y - 0.5, slice]);
  }, [jump, stack, grid]);
}

function Planes({ stack, grid }: { stack: Stack; grid: Grid }) {
  const views = useMemo(() => viewsOf(grid), [grid]);
  const [start] = useState(() => startOf(stack.uid, grid));
  const [greys] = useState(() => greysOf(stack));
  const [tries, setTries] = useState(0);
  const volumeId = useOpenVolume(stack, grid, start, tries);
  const retry = () => setTries(tries + 1);
  useJumps(stack, grid);
  const solid = useDisplay((state) => state.solid);
  const trouble = useMpr((state) => state.trouble);
  if (trouble !== null) return <Trouble detail={trouble} />;
  if (volumeId === null) return <Waiting />;
  if (solid) {
    return (
      <main id="main" className="stage mpr">
        <SolidStage stack={stack} volumeId={volumeId} />
        <Lost stack={stack} />
        <Words onRetry={retry} />
      </main>
    );
  }
  return (
    <main id="main" className="stage mpr">
      {hang(views).map((name, pane) => (
        <PlanePane
          key={name}
          pane={pane}
          view={views[name]}
          {...{ views, volumeId, grid, stack, greys }}
        />
      ))}
      <SlabBar />
      <Lost stack={stack} tones={greys.tones} />
      <Words onRetry={retry} />
    </main>
  );
}

function Trouble({ detail }: { detail: string }) {
  return (
    <main id="main" className="stage mpr-trouble">
      <div>
        <Notice
          kind="fail"
          assertive
          title={words.trouble}
          actions={
            <button type="button" className="btn" onClick={leaveMpr}>
              {words.back}
            </button>
          }
        >
          {detail}
        </Notice>
      </div>
    </main>
  );
}

function Waiting() {
  return (
    <main id="main" className="stage">
      <div className="pane">
        <div className="pane-word" role="status">
          <b>{words.opening}</b>
        </div>
      </div>
    </main>
  );
}

export interface MprStageProps {
  readonly manifest: Manifest | null;
  readonly index: PackIndex | null;
  readonly series: number;
}

/** One series in three orthogonal planes, held together by crosshairs. */
export function MprStage({ manifest, index, series }: MprStageProps) {
  const packed = index?.series.find((one) => one.index === series) ?? null;
  const { data: stack } = useStack(manifest?.pack.base ?? null, packed);
  const grid = useGrid(stack ?? null);
  if (!stack || !grid || !isGrid(grid)) return <Waiting />;
  return <Planes stack={stack} grid={grid} />;
}
