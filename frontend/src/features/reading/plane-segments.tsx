import { useEffect, useMemo, useRef, useState } from 'react';
import { segmentationOf, sliceKey } from '@/domain/segment/model';
import type { Rect } from '@/domain/segment/paint';
import { type LabelStack, labelsIn, valuesIn } from '@/domain/segment/planes';
import type { Grid, View } from '@/domain/volume';
import { type MprView, useMpr } from '@/imaging/mpr-store';
import type { Stack } from '@/imaging/pack';
import { pixelValues } from '@/imaging/pixel-values';
import { beginPlane, endPlane, planeKey } from '@/state/plane-painting';
import { useRoom } from '@/state/room';
import { slicesNow } from '@/state/segment-slices';
import { followLabels, paintedNow } from '@/state/segmenting';
import { Labels } from './labels';
import { SegmentHint, ToolCursor, useLookWithNew } from './segment-layer';
import { type Surface, seriesOfStack, usePainter } from './use-segmenting';

interface Held {
  readonly maps: LabelStack;
  /** Every label map that is named is here. */
  readonly whole: boolean;
}

/** The label map of each slice of the grid, as far as they are here; others are read. */
function useLabelStack(stack: Stack, keys: readonly string[]): Held {
  const slices = useRoom(
    (state) => segmentationOf(state.draft.content.segmentations, stack.uid)?.slices,
  );
  const [read, setRead] = useState(0);
  const names = useMemo(() => keys.map((key) => slices?.[key] ?? null), [keys, slices]);
  useEffect(() => {
    let alive = true;
    const closed = names.filter((sha) => sha !== null && !slicesNow()?.now(sha));
    void Promise.all(closed.map((sha) => slicesNow()?.read(sha ?? ''))).then(
      () => alive && closed.length > 0 && setRead((n) => n + 1),
      () => undefined,
    );
    return () => {
      alive = false;
    };
  }, [names]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: more has been read
  return useMemo(() => {
    const maps = names.map((sha) => (sha ? (slicesNow()?.now(sha) ?? null) : null));
    return { maps, whole: names.every((sha, at) => sha === null || maps[at]) };
  }, [names, read]);
}

export interface PlaneSegmentsProps {
  readonly pane: number;
  readonly active: boolean;
  readonly view: View;
  readonly shown: MprView;
  readonly grid: Grid;
  readonly stack: Stack;
  /** The plane's index along the axis that the view looks along. */
  readonly at: number;
}

const lengthOf = ([x, y, z]: readonly [number, number, number]) => Math.hypot(x, y, z);

/** The plane as something to paint on. */
function usePlane({ view, shown, grid, stack, at }: PlaneSegmentsProps) {
  const keys = useMemo(
    () =>
      grid.order.map((place) => {
        const image = stack.images[place];
        return image ? sliceKey(image.sopUid, image.frame) : '';
      }),
    [grid, stack],
  );
  const { maps, whole } = useLabelStack(stack, keys);
  const map = useMemo(() => labelsIn(maps, grid, view, at), [maps, grid, view, at]);
  const { a, b, c, d, e, f } = shown.matrix;
  const { columns, rows, labels } = map;
  const { width, height } = shown;
  const surface = useMemo((): Surface => {
    const series = seriesOfStack(stack);
    const plane = series && { series, grid, axes: view, at, keys };
    const valuesOf = (place: number) => {
      const image = stack.images[place];
      return image ? pixelValues(image) : null;
    };
    return {
      id: planeKey({ axes: view, at }),
      // Indices are whole at centres of voxels, labels begin at their corners.
      matrix: { a, b, c, d, e: e - (a + c) / 2, f: f - (b + d) / 2 },
      ...{ width, height, columns, rows },
      spacing: {
        column: lengthOf(grid.steps[view.across]),
        row: lengthOf(grid.steps[view.down]),
        source: 'patient',
      },
      begin: () => {
        if (useMpr.getState().slab.mode !== 'none') return 'slab';
        return plane ? beginPlane(plane, whole ? labels : undefined) : 'loading';
      },
      end: (painting) => plane && endPlane(plane, painting),
      pixels: () => valuesIn(grid.order.map(valuesOf), grid, view, at) ?? 'absent',
    };
  }, [
    stack,
    grid,
    view,
    at,
    keys,
    whole,
    labels,
    columns,
    rows,
    width,
    height,
    a,
    b,
    c,
    d,
    e,
    f,
  ]);
  return { surface, labels };
}

/** The reader's segments in one plane through a volume: seen, and painted like a slice. */
export function PlaneSegments(props: PlaneSegmentsProps) {
  const { pane, active, view, stack } = props;
  const one = useRoom((state) =>
    segmentationOf(state.draft.content.segmentations, stack.uid),
  );
  const look = useLookWithNew(one);
  const within = useRef<HTMLDivElement>(null);
  const { surface, labels } = usePlane(props);
  const painter = usePainter(pane, surface, within, false);
  const { uid } = stack;
  const { id, columns, rows, matrix, width, height } = surface;
  const labelsOf = useMemo(() => () => paintedNow(uid, id) ?? labels, [uid, id, labels]);
  const follow = useMemo(
    () => (listener: (rect: Rect | null) => void) => followLabels(uid, id, listener),
    [uid, id],
  );
  const [first] = stack.images;
  return (
    <div className="segment-layer" ref={within}>
      <Labels
        place={{ columns, rows, matrix, width, height }}
        look={look}
        name={`${view.name} ${id}`}
        labelsOf={labelsOf}
        follow={follow}
      />
      <ToolCursor on={surface} painter={painter} />
      {active && first ? (
        <SegmentHint scaled unit={pixelValues(first)?.unit ?? '1'} readOnly={false} />
      ) : null}
    </div>
  );
}
