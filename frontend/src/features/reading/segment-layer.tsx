import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import {
  readSignedSegmentations,
  type SignedSegmentation,
} from '@/api/segment-endpoints';
import { type Affine, scaleOf } from '@/domain/geometry';
import type { Id } from '@/domain/model';
import {
  colourFor,
  type Segmentation,
  segmentationOf,
  segmentName,
  sliceKey,
} from '@/domain/segment/model';
import type { Rect } from '@/domain/segment/paint';
import { isRanged, isRound, isSegmentTool } from '@/domain/segment/tools';
import { pixelValues } from '@/imaging/pixel-values';
import type { PaneView } from '@/imaging/view-store';
import { useRoom } from '@/state/room';
import { slicesNow } from '@/state/segment-slices';
import { followLabels, labelsNow, useSegmenting } from '@/state/segmenting';
import { rangeText, segments as words } from '@/text/en-segments';
import type { LabelLook } from './label-canvas';
import { type LabelPlace, Labels, useLook } from './labels';
import {
  type Cursor,
  keyOfView,
  type Painter,
  type Surface,
  surfaceOf,
  usePainter,
} from './use-segmenting';

const matrixText = ({ a, b, c, d, e, f }: Affine) =>
  `matrix(${[a, b, c, d, e, f].join(' ')})`;

const placeOf = ({ image, matrix, width, height }: PaneView): LabelPlace => ({
  columns: image.columns,
  rows: image.rows,
  matrix,
  width,
  height,
});

/** The reader's own segments on the image of a pane. */
function OwnLabels({ view }: { view: PaneView }) {
  const one = useRoom((state) =>
    segmentationOf(state.draft.content.segmentations, view.uid),
  );
  const look = useLookWithNew(one);
  const key = keyOfView(view);
  const { uid } = view;
  const labelsOf = useMemo(() => () => labelsNow(uid, key), [uid, key]);
  const follow = useMemo(
    () => (listener: (rect: Rect | null) => void) => followLabels(uid, key, listener),
    [uid, key],
  );
  const name = `${uid} ${key} ${one?.slices[key] ?? ''}`;
  return <Labels place={placeOf(view)} {...{ look, name, labelsOf, follow }} />;
}

/** A first segment is seen while it is painted, before the draft has it. */
export function useLookWithNew(one: Segmentation | null): LabelLook {
  const look = useLook(one);
  const shown = useSegmenting((state) => state.shown);
  return useMemo(() => {
    if (!shown || (one?.segments.length ?? 0) > 0) return look;
    return { ...look, colours: new Map([[1, colourFor(1)]]) };
  }, [look, one, shown]);
}

/** A colleague's signed segmentation: read, never painted. */
function SignedLabels({ view, one }: { view: PaneView; one: Segmentation }) {
  const look = useLook(one);
  const sha = one.slices[keyOfView(view)];
  const [labels, setLabels] = useState<Uint8Array | null>(null);
  useEffect(() => {
    let alive = true;
    setLabels(null);
    if (sha === undefined) return;
    slicesNow()
      ?.read(sha)
      .then(
        (read) => alive && setLabels(read),
        () => undefined,
      );
    return () => {
      alive = false;
    };
  }, [sha]);
  const labelsOf = useMemo(() => () => labels, [labels]);
  return (
    <Labels
      place={placeOf(view)}
      look={look}
      name={sha ?? ''}
      labelsOf={labelsOf}
      follow={NOBODY}
    />
  );
}

const NOBODY = () => () => undefined;

/** What readers segmented on another study and signed. */
function useSigned(study: Id | null) {
  return useQuery({
    queryKey: ['signed-segmentations', study],
    queryFn: ({ signal }) => readSignedSegmentations(study ?? '', signal),
    enabled: study !== null,
    staleTime: 60_000,
    retry: 1,
  });
}

function SignedLayers({ view, study }: { view: PaneView; study: Id }) {
  const { data = [] } = useSigned(study);
  const here = data.filter((one) => one.series_uid === view.uid);
  return (
    <>
      {here.map((one) => (
        <SignedLabels key={one.id} view={view} one={one} />
      ))}
      <SignedLegend all={here} at={keyOfView(view)} />
    </>
  );
}

/** What the colours mean on an image of another study, and whose segments they are. */
function SignedLegend({ all, at }: { all: readonly SignedSegmentation[]; at: string }) {
  const shown = useSegmenting((state) => state.shown);
  const drawn = shown ? all.filter(({ slices }) => at in slices) : [];
  if (drawn.length === 0) return null;
  return (
    <ul className="signed-segments">
      {drawn.map((one) => (
        <li key={one.id}>
          {one.segments.map((segment) => (
            <span key={segment.number}>
              <i style={{ background: segment.colour }} />
              {segmentName(segment)}
            </span>
          ))}
          <span className="t2">{words.signedBy(one.signed_by)}</span>
        </li>
      ))}
    </ul>
  );
}

const pathOf = (points: Cursor['drawn']) =>
  points.length < 2 ? '' : `M${points.map((point) => point.join(' ')).join('L')}`;

/** What the scissors enclose so far, in image space. */
function drawnPath({ drawn }: Cursor, shape: string, { spacing }: Surface): string {
  const [from, to] = [drawn[0], drawn.at(-1)];
  if (!from || !to || drawn.length < 2) return '';
  if (shape === 'rectangle')
    return `M${from[0]} ${from[1]}H${to[0]}V${to[1]}H${from[0]}Z`;
  if (shape === 'freehand') return `${pathOf(drawn)}Z`;
  const { row, column } = spacing;
  const radius = Math.hypot((to[0] - from[0]) * column, (to[1] - from[1]) * row);
  const [rx, ry] = [radius / column, radius / row];
  return `M${from[0] - rx} ${from[1]}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;
}

interface Drawn {
  readonly round: SVGEllipseElement | null;
  readonly line: SVGPathElement | null;
}

/** Moves the cursor without React: it follows every move of the pointer. */
function showCursor({ round, line }: Drawn, cursor: Cursor, path: string): void {
  line?.setAttribute('d', path);
  if (!round) return;
  const [x, y] = cursor.at ?? [0, 0];
  round.setAttribute('cx', String(x));
  round.setAttribute('cy', String(y));
  round.setAttribute('visibility', cursor.at ? 'visible' : 'hidden');
  round.classList.toggle('now-erasing', cursor.erasing);
  round.dataset['at'] = cursor.at ? `${x},${y}` : '';
}

/** The brush as large as it is, where the pointer or the keyboard holds it. */
export function ToolCursor({ on, painter }: { on: Surface; painter: Painter }) {
  const round = useRef<SVGEllipseElement>(null);
  const line = useRef<SVGPathElement>(null);
  const tool = useRoom((state) => state.tool);
  const size = useSegmenting((state) => state.size);
  const shape = useSegmenting((state) => state.shape);
  const { spacing, matrix } = on;
  useEffect(() => {
    painter.onCursor = (cursor) => {
      const drawn = { round: round.current, line: line.current };
      showCursor(drawn, cursor, drawnPath(cursor, shape, on));
    };
    return () => {
      painter.onCursor = () => undefined;
    };
  }, [painter, shape, on]);
  if (!isSegmentTool(tool)) return null;
  const small = 3 / scaleOf(matrix);
  const [rx, ry] = isRound(tool)
    ? [size / 2 / spacing.column, size / 2 / spacing.row]
    : [small, small];
  return (
    <svg className="tool-cursor" aria-hidden="true">
      <g transform={matrixText(matrix)}>
        <ellipse
          ref={round}
          className={tool === 'eraser' ? 'brush erasing' : 'brush'}
          rx={rx}
          ry={ry}
          visibility="hidden"
        />
        <path ref={line} className="cutting" />
      </g>
    </svg>
  );
}

interface HintProps {
  readonly scaled: boolean;
  /** Of the values that are painted on. */
  readonly unit: string;
  readonly readOnly: boolean;
}

/** What the tool does, with the size and range that hold. */
export function SegmentHint({ scaled, unit, readOnly }: HintProps) {
  const tool = useRoom((state) => state.tool);
  const { size, range, shape } = useSegmenting();
  if (!isSegmentTool(tool)) return null;
  if (readOnly) return <p className="pane-hint">{words.otherStudy}</p>;
  const said = [
    words.short[tool],
    tool === 'scissors' ? words.shapes[shape].toLowerCase() : '',
    isRound(tool) ? words.sizeIs(size, scaled) : '',
    isRanged(tool) && range ? rangeText(range.low, range.high, unit) : '',
  ].filter(Boolean);
  return (
    <p className="pane-hint segment-hint">
      <b>{said.join(' · ')}</b>
      <span>{words.hints[tool]}</span>
    </p>
  );
}

export interface SegmentLayerProps {
  readonly pane: number;
  readonly view: PaneView;
  readonly active: boolean;
  /** The image is of this other study: its signed segments are shown, none is painted. */
  readonly study: Id | null;
}

/** Segments over one image: the reader's own, painted here, or those that were signed. */
export function SegmentLayer({ pane, view, active, study }: SegmentLayerProps) {
  const readOnly = study !== null;
  const within = useRef<HTMLDivElement>(null);
  const surface = useMemo(() => surfaceOf(view), [view]);
  const painter = usePainter(pane, surface, within, readOnly);
  return (
    <div className="segment-layer" ref={within}>
      {study === null ? (
        <OwnLabels view={view} />
      ) : (
        <SignedLayers view={view} study={study} />
      )}
      <ToolCursor on={surface} painter={painter} />
      {active ? (
        <SegmentHint
          scaled={view.image.spacing.source !== 'none'}
          unit={pixelValues(view.image)?.unit ?? '1'}
          readOnly={readOnly}
        />
      ) : null}
    </div>
  );
}

/** The key of an image in a segmentation. */
export const keyOfImage = (image: { sopUid: string; frame: number }) =>
  sliceKey(image.sopUid, image.frame);
