import { useEffect, useMemo, useState } from 'react';
import { segmentationOf, sliceKey } from '@/domain/segment/model';
import { type LabelStack, labelsIn } from '@/domain/segment/planes';
import type { Grid, View } from '@/domain/volume';
import type { MprView } from '@/imaging/mpr-store';
import type { Stack } from '@/imaging/pack';
import { useRoom } from '@/state/room';
import { slicesNow } from '@/state/segment-slices';
import { Labels, useLook } from './labels';

const NOBODY = () => () => undefined;

/** The label map of each slice of the grid, as far as they are here; others are read. */
function useLabelStack(stack: Stack, grid: Grid): LabelStack {
  const slices = useRoom(
    (state) => segmentationOf(state.draft.content.segmentations, stack.uid)?.slices,
  );
  const [read, setRead] = useState(0);
  const names = useMemo(
    () =>
      grid.order.map((place) => {
        const image = stack.images[place];
        return image ? (slices?.[sliceKey(image.sopUid, image.frame)] ?? null) : null;
      }),
    [grid, stack, slices],
  );
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
  return useMemo(
    () => names.map((sha) => (sha === null ? null : (slicesNow()?.now(sha) ?? null))),
    [names, read],
  );
}

export interface PlaneSegmentsProps {
  readonly view: View;
  readonly shown: MprView;
  readonly grid: Grid;
  readonly stack: Stack;
  /** The plane's index along the axis that the view looks along. */
  readonly at: number;
}

/** The reader's segments in one plane through a volume: seen, not painted. */
export function PlaneSegments({ view, shown, grid, stack, at }: PlaneSegmentsProps) {
  const one = useRoom((state) =>
    segmentationOf(state.draft.content.segmentations, stack.uid),
  );
  const look = useLook(one);
  const labelStack = useLabelStack(stack, grid);
  const map = useMemo(
    () => labelsIn(labelStack, grid, view, at),
    [labelStack, grid, view, at],
  );
  const labelsOf = useMemo(() => () => map.labels, [map]);
  if (!one) return null;
  const { a, b, c, d, e, f } = shown.matrix;
  // Indices are whole at centres of voxels, labels begin at their corners.
  const matrix = { a, b, c, d, e: e - (a + c) / 2, f: f - (b + d) / 2 };
  const { columns, rows } = map;
  const { width, height } = shown;
  return (
    <Labels
      place={{ columns, rows, matrix, width, height }}
      look={look}
      name={`${view.name} ${at}`}
      labelsOf={labelsOf}
      follow={NOBODY}
    />
  );
}
