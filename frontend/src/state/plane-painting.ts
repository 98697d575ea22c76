import type { SegmentedSeries } from '@/domain/segment/model';
import { type Axes, changesIn } from '@/domain/segment/planes';
import type { Grid } from '@/domain/volume';
import { slicesNow } from './segment-slices';
import {
  beginPainting,
  enqueue,
  letGo,
  type NoPainting,
  nameOf,
  type Painting,
  paintedNow,
  putPainted,
  segmentationNow,
  tellLabels,
} from './segmenting';

/** A plane through the images of a series, as it is painted. */
export interface PaintedPlane {
  readonly series: SegmentedSeries;
  readonly grid: Pick<Grid, 'size'>;
  readonly axes: Axes;
  /** The plane's index along the axis that it lies across. */
  readonly at: number;
  /** By slice of the grid, the key of its image. */
  readonly keys: readonly string[];
}

/** Tells a plane apart from others of its series, and from images. */
export const planeKey = ({ axes, at }: Pick<PaintedPlane, 'axes' | 'at'>) =>
  `plane ${axes.through} ${at}`;

/** Begins to paint a plane that has these labels; undefined: not all are here. */
export function beginPlane(
  plane: PaintedPlane,
  labels: Uint8Array | undefined,
): Painting | NoPainting {
  const { series } = plane;
  const key = planeKey(plane);
  return beginPainting(series, key, paintedNow(series.seriesUid, key) ?? labels);
}

/**
 * Puts what was painted on a plane into the draft: the label maps of all images that it
 * crosses, as one step of undo. Only voxels that changed are written, so that strokes
 * that are still on their way are kept.
 */
export function endPlane(plane: PaintedPlane, painting: Painting): void {
  const { series, grid, axes, at, keys } = plane;
  const { before, segment } = painting;
  const { length } = painting.labels;
  const from = before ?? new Uint8Array(length);
  const changes = changesIn(from, painting.labels, grid, axes, at);
  const done = (key: string) => {
    letGo(series, key);
    tellLabels(series.seriesUid, key, null);
  };
  void enqueue(async () => {
    try {
      const names: Record<string, string | null> = {};
      for (const { slice, places, labels } of changes) {
        const key = keys[slice];
        if (key === undefined) continue;
        const map = await labelsOf(series, key);
        places.forEach((place, index) => {
          map[place] = labels[index] ?? 0;
        });
        names[key] = await nameOf(map, series);
      }
      putPainted(series, segment, names);
    } finally {
      // The planes are cut anew from the draft first: else one frame would lack the stroke.
      requestAnimationFrame(() => done(painting.key));
    }
  });
}

/** A copy of one image's label map as the draft has it. */
async function labelsOf(series: SegmentedSeries, key: string): Promise<Uint8Array> {
  const sha = segmentationNow(series.seriesUid)?.slices[key];
  if (sha === undefined) return new Uint8Array(series.rows * series.columns);
  const labels = await slicesNow()?.read(sha);
  if (!labels) throw new Error('unread');
  return labels.slice();
}
