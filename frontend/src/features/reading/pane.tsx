import './pane.css';
import {
  type DragEvent,
  memo,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { formatDate, formatSigned } from '@/domain/format';
import { edgeLetters, pickScale, scaleOf } from '@/domain/geometry';
import { type Mask, patchOn } from '@/domain/mask';
import type { Id, Manifest } from '@/domain/model';
import { placeAfterMpr } from '@/imaging/mpr-store';
import type { PackIndex, Stack } from '@/imaging/pack';
import type { PackError } from '@/imaging/part';
import { StackPane } from '@/imaging/stack-pane';
import {
  NO_PANE,
  type PaneTrouble,
  type PaneView,
  paneControl,
  useViews,
} from '@/imaging/view-store';
import { openPrior } from '@/state/hanging';
import { scaleNow } from '@/state/measuring';
import {
  findingsOf,
  getRoom,
  type PaneStart,
  setRoom,
  type Tool,
  toggleMaximised,
  useRoom,
} from '@/state/room';
import { text } from '@/text/en';
import { display } from '@/text/en-display';
import { Cine } from './cine';
import { placeBeside } from './compare';
import { carriesSeries, dropSeries } from './drag-series';
import { firstMarked } from './first-shown';
import { ForeignLayer } from './foreign-layer';
import { Fusion } from './fusion';
import { MaskLayer, MaskLegend } from './masks';
import { MeasureLayer } from './measure-layer';
import { OverlayLayer } from './overlay-layer';
import { PaneMarks } from './pane-marks';
import { PriorBadge } from './prior-badge';
import { ReferenceLine } from './reference-line';
import { SaliencyLayer, SaliencyLegend, useSaliency } from './saliency-layer';
import { SegmentLayer } from './segment-layer';
import { ShutterLayer } from './shutter-layer';
import { useStack } from './use-pack';
import { type StudyState, usePrior } from './use-prior';
import { windowWords } from './window-words';

function clockOf(time: string): string {
  return /^\d{4}/.test(time) ? `, ${time.slice(0, 2)}:${time.slice(2, 4)}` : '';
}

function Corners({ view, children }: { view: PaneView; children: ReactNode }) {
  const { image, stack } = view;
  const { thickness, location } = image;
  return (
    <>
      <div className="corner tl">
        {children}
        <b>{text.room.seriesName(stack.number, stack.description || stack.modality)}</b>
        {thickness === null ? null : (
          <div>{text.room.thickness(formatSigned(thickness, 1))}</div>
        )}
      </div>
      <div className="corner tr">
        <b>{view.index + 1}</b> / {view.count}
        <div>
          {formatDate(image.date)}
          {clockOf(image.time)}
        </div>
      </div>
      <div className="corner bl">
        {view.window ? (
          <div>{windowWords(view.window, stack.modality, image)}</div>
        ) : null}
        <div>
          {text.room.zoom(scaleOf(view.matrix).toFixed(1))}
          {view.inverted ? ` · ${text.room.inverted}` : ''}
        </div>
      </div>
      <div className="corner br">
        {location === null ? null : (
          <div>{text.room.location(formatSigned(location, 1))}</div>
        )}
        <div>{image.lossy ? text.room.lossy : text.room.lossless}</div>
      </div>
    </>
  );
}

function Orientation({ view }: { view: PaneView }) {
  const { row, column } = view.image.directions;
  if (row === '' || column === '') return null;
  const edges = edgeLetters(row, column, view.matrix);
  return (
    <>
      <span className="edge top">{edges.top}</span>
      <span className="edge left">{edges.left}</span>
      <span className="edge right">{edges.right}</span>
    </>
  );
}

function ScaleBar({ view }: { view: PaneView }) {
  // One's own calibration of the image holds for the bar, too.
  useRoom((state) => state.draft.content.annotations);
  const { spacing: stated, sopUid } = view.image;
  const spacing = scaleNow({ stated, sopUid });
  if (spacing.source === 'none') {
    return (
      <div className="scale">
        {spacing.regions ? text.room.regionScales : text.room.noScale}
      </div>
    );
  }
  const perImagePixel = Math.sqrt(spacing.row * spacing.column);
  const bar = pickScale(perImagePixel / scaleOf(view.matrix), view.width / 5);
  if (!bar) return null;
  return (
    <div className="scale">
      <i style={{ width: bar.pixels }} />
      {text.room.scale(bar.mm)}
      {spacing.source === 'detector' ? ` ${text.room.detectorScale}` : ''}
      {spacing.source === 'calibrated' ? ` ${text.room.calibratedScale}` : ''}
    </div>
  );
}

/** The saliency of the active finding, where it belongs to the image on this pane. */
function Saliency({ view }: { view: PaneView }) {
  const { image, matrix } = view;
  const own = useMemo(() => [image], [image]);
  const saliency = useSaliency(own);
  if (!saliency) return null;
  const { columns, rows } = image;
  return (
    <>
      <SaliencyLayer saliency={saliency} place={{ columns, rows, matrix }} />
      <SaliencyLegend cutOff={saliency.cutOff} />
    </>
  );
}

/** Findings' shapes on the image of this pane. */
function Masks({ view, stack }: { view: PaneView; stack: Stack }) {
  const { sopUid } = view.image;
  const patchOf = useCallback((mask: Mask) => patchOn(mask, sopUid), [sopUid]);
  return (
    <>
      <MaskLayer seriesUid={stack.uid} matrix={view.matrix} shift={0} patchOf={patchOf} />
      <MaskLegend seriesUid={stack.uid} />
    </>
  );
}

const TROUBLE: Readonly<Record<PaneTrouble['kind'], string>> = {
  preparing: text.room.preparing,
  denied: text.room.denied,
  offline: text.room.offline,
  broken: text.room.broken,
  decode: text.room.decode,
};

function troubleDetail({ kind, detail }: PaneTrouble): string {
  if (kind === 'decode') return text.room.decodeDetail(detail);
  if (kind === 'preparing') return text.room.preparingDetail;
  return kind === 'denied' ? text.room.deniedDetail : '';
}

function Trouble({ pane, trouble }: { pane: number; trouble: PaneTrouble }) {
  return (
    <div className="pane-word" role="status">
      <b>{TROUBLE[trouble.kind]}</b>
      <span>{troubleDetail(trouble)}</span>
      <button
        type="button"
        className="btn small"
        onClick={() => paneControl(pane)?.reload()}
      >
        {text.common.retry}
      </button>
    </div>
  );
}

function Word({ children, detail }: { children: string; detail?: string | null }) {
  return (
    <div className="pane-word" role="status">
      <b>{children}</b>
      {detail ? <span>{detail}</span> : null}
    </div>
  );
}

function Shown({ pane, stack, of }: { pane: number; stack: Stack; of: StudyState }) {
  const entry = useViews((state) => state.panes[pane] ?? NO_PANE);
  const { trouble, loading } = entry;
  // Until this series is drawn the store may hold the one before.
  const view = entry.view?.stack === stack ? entry.view : null;
  const active = useRoom((state) => state.activePane === pane);
  const jump = useRoom((state) => state.jump);
  const study = useRoom((state) => state.panes[pane]?.study ?? null);
  const prior = study !== null;
  const start = useRoom((state) => state.panes[pane]?.start ?? null);
  const over = useOver(pane, of);
  const startIndex = useMemo(() => startOf(stack, pane, start), [stack, pane, start]);
  const settled = trouble !== null || view !== null;
  const followed = useRef<typeof jump>(null);

  useEffect(() => {
    // Asked for while the series is being hung, a jump waits until it hangs.
    if (jump?.pane !== pane || !settled || followed.current === jump) return;
    followed.current = jump;
    const place = stack.images.findIndex(
      (image) => image.sopUid === jump.sopUid && image.frame === jump.frame,
    );
    if (place < 0) return;
    paneControl(pane)?.goTo(place);
  }, [jump, pane, stack, settled]);

  const label = text.room.pane(
    pane + 1,
    text.room.seriesName(stack.number, stack.description || stack.modality),
  );
  return (
    <>
      {over === null ? (
        <StackPane
          pane={pane}
          stack={stack}
          startIndex={startIndex}
          start={start}
          label={label}
        />
      ) : (
        <Fusion
          pane={pane}
          stack={stack}
          startIndex={startIndex}
          window={start?.window ?? null}
          label={label}
          {...over}
        />
      )}
      {loading ? <Word>{text.room.loadingSeries}</Word> : null}
      {trouble ? <Trouble pane={pane} trouble={trouble} /> : null}
      {view ? (
        <div className="pane-over">
          <ShutterLayer pane={pane} view={view} />
          <OverlayLayer view={view} />
          <Masks view={view} stack={stack} />
          <Saliency view={view} />
          <ForeignLayer image={view.image} stack={stack} matrix={view.matrix} />
          <PaneMarks view={view} active={active && !prior} />
          <SegmentLayer pane={pane} view={view} active={active} study={study} />
          <MeasureLayer pane={pane} view={view} active={active} study={study} />
          <ReferenceLine pane={pane} view={view} />
          <Orientation view={view} />
          <ScaleBar view={view} />
          <Cine pane={pane} stack={stack} />
          <Corners view={view}>
            <PriorBadge pane={pane} />
          </Corners>
        </div>
      ) : null}
    </>
  );
}

/** What is laid over the pane's series, if anything. */
function useOver(pane: number, { manifest, index }: StudyState) {
  const over = useRoom((state) => state.panes[pane]?.over ?? null);
  const base = manifest?.pack.base;
  return over === null || !index || base === undefined ? null : { over, base, index };
}

/** The image that a jump or the hanging asks for, or that AI marked first; else the first. */
function startOf(stack: Stack, pane: number, start: PaneStart | null): number {
  const { jump, ai, panes } = getRoom();
  if (panes[pane]?.study) {
    const asked = stack.images.findIndex(({ sopUid }) => sopUid === start?.sopUid);
    return asked < 0 ? (placeBeside(pane, stack.images) ?? 0) : asked;
  }
  const after = jump?.pane === pane ? null : placeAfterMpr(stack.uid);
  if (after !== null) return after;
  const wanted =
    jump?.pane === pane ? jump.sopUid : (start?.sopUid ?? firstMarked(findingsOf(ai)));
  const place = stack.images.findIndex(
    (image) =>
      image.sopUid === wanted && (jump?.pane !== pane || image.frame === jump.frame),
  );
  return Math.max(0, place);
}

function preparingDetail(problem: PackError): string {
  return problem.kind === 'preparing' ? text.room.preparingDetail : problem.detail;
}

export interface PaneProps {
  readonly pane: number;
  readonly manifest: Manifest | null;
  readonly index: PackIndex | null;
  readonly problem: PackError | null;
}

/** In words, why nothing of the study can be shown; null when something can. */
function hindrance({ problem, failure }: StudyState): ReactNode {
  if (failure !== null) return <Word detail={failure}>{text.room.broken}</Word>;
  return problem ? (
    <Word detail={preparingDetail(problem)}>{TROUBLE[problem.kind]}</Word>
  ) : null;
}

/** What a pane shows, or in words why it shows nothing. */
function PaneBody({ pane, of }: { pane: number; of: StudyState }) {
  const chosen = useRoom((state) => state.panes[pane]?.series ?? null);
  const { manifest, index } = of;
  const series = index?.series.find((one) => one.index === chosen) ?? null;
  const { data: stack, error } = useStack(manifest?.pack.base ?? null, series);
  const hindered = hindrance(of);
  if (hindered !== null) return hindered;
  if (series?.displayable === false) {
    return <Word detail={series.why_not}>{text.room.notShown}</Word>;
  }
  if (error) return <Word detail={error.message}>{text.room.broken}</Word>;
  if (stack) return <Shown key={stack.uid} pane={pane} stack={stack} of={of} />;
  if (!index || series) return <Word>{text.room.loadingSeries}</Word>;
  const empty = manifest?.series.length === 0;
  return <Word>{empty ? text.room.noSeries : text.room.chooseSeries}</Word>;
}

function PriorBody({ pane, study }: { pane: number; study: Id }) {
  const state = usePrior(study);
  useEffect(() => openPrior(study), [study]);
  return <PaneBody pane={pane} of={state} />;
}

/**
 * One place of the grid: its series, or in words why there is none. A dozen layers lie in
 * each: they are made anew for what concerns the pane, not for each change of the room.
 */
export const Pane = memo(function Pane({ pane, manifest, index, problem }: PaneProps) {
  const active = useRoom((state) => state.activePane === pane);
  const large = useRoom((state) => state.maximised === pane);
  const { dropping, drop } = useDrop(pane);
  const study = useRoom((state) => state.panes[pane]?.study ?? null);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame of its own
    <div
      role="group"
      aria-label={display.viewport(pane + 1)}
      className={classOf(active, large, dropping)}
      data-pane={pane + 1}
      data-drop={display.dropHere(pane + 1)}
      onPointerDownCapture={() => {
        if (getRoom().activePane !== pane) setRoom({ activePane: pane });
      }}
      onDoubleClick={() => {
        if (MOVING.has(getRoom().tool) && !getRoom().drawing) toggleMaximised(pane);
      }}
      {...drop}
    >
      {study === null ? (
        <PaneBody pane={pane} of={{ manifest, index, problem, failure: null }} />
      ) : (
        <PriorBody pane={pane} study={study} />
      )}
    </div>
  );
});

/** Tools whose double click is free to enlarge a pane; others may end a drawing by it. */
const MOVING: ReadonlySet<Tool> = new Set(['scroll', 'window', 'pan', 'zoom']);

function classOf(active: boolean, large: boolean, dropping: boolean): string {
  const kinds = ['pane', active && 'active', large && 'large', dropping && 'dropping'];
  return kinds.filter(Boolean).join(' ');
}

/** A pane takes a series that is dropped on it. */
function useDrop(pane: number) {
  const [dropping, setDropping] = useState(false);
  return {
    dropping,
    drop: {
      onDragOver: (event: DragEvent) => {
        if (!carriesSeries(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = 'copy';
        setDropping(true);
      },
      onDragLeave: (event: DragEvent) => {
        const inside =
          event.relatedTarget instanceof Node &&
          event.currentTarget.contains(event.relatedTarget);
        if (!inside) setDropping(false);
      },
      onDrop: (event: DragEvent) => {
        setDropping(false);
        if (!carriesSeries(event)) return;
        event.preventDefault();
        dropSeries(event, pane);
      },
    },
  };
}
