import './segments.css';
import { useEffect, useMemo, useRef } from 'react';
import type { Affine } from '@/domain/geometry';
import type { Segmentation } from '@/domain/segment/model';
import type { Rect } from '@/domain/segment/paint';
import { segmentId, useSegmenting } from '@/state/segmenting';
import { LabelCanvas, type LabelLook } from './label-canvas';

/** Colours of the segments that are shown. */
export function useLook(one: Segmentation | null): LabelLook {
  const hidden = useSegmenting((state) => state.hidden);
  const shown = useSegmenting((state) => state.shown);
  const opacity = useSegmenting((state) => state.opacity);
  return useMemo(() => {
    const drawn = (shown ? (one?.segments ?? []) : []).filter(
      ({ number }) => !hidden[segmentId(one?.series_uid ?? '', number)],
    );
    return {
      opacity,
      colours: new Map(drawn.map(({ number, colour }) => [number, colour])),
    };
  }, [one, hidden, shown, opacity]);
}

/** Where a label map lies: its size, and the way to CSS pixels of its pane. */
export interface LabelPlace {
  readonly columns: number;
  readonly rows: number;
  readonly matrix: Affine;
  readonly width: number;
  readonly height: number;
}

export interface LabelsProps {
  readonly place: LabelPlace;
  readonly look: LabelLook;
  /** Changes when the label map may be another one. */
  readonly name: string;
  readonly labelsOf: () => Uint8Array | null | undefined;
  readonly follow: (listener: (rect: Rect | null) => void) => () => void;
}

/** One label map over the image of a pane. */
export function Labels({ place, look, name, labelsOf, follow }: LabelsProps) {
  const holder = useRef<HTMLCanvasElement>(null);
  const drawer = useRef<LabelCanvas | null>(null);
  const { columns, rows, matrix, width, height } = place;
  useEffect(() => {
    if (!holder.current) return;
    const made = new LabelCanvas(holder.current);
    drawer.current = made;
    return () => made.stop();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the name stands for the labels
  useEffect(() => {
    const show = () => {
      const labels = labelsOf();
      if (labels !== undefined) {
        drawer.current?.show(labels ? { columns, rows, labels } : null);
      }
    };
    let known = labelsOf();
    show();
    return follow((rect) => {
      const same = known !== null && known !== undefined && known === labelsOf();
      known = labelsOf();
      if (rect && same) drawer.current?.touch(rect);
      else show();
    });
  }, [name, labelsOf, follow, columns, rows]);
  useEffect(() => drawer.current?.dress(look), [look]);
  useEffect(() => drawer.current?.place(matrix, width, height), [matrix, width, height]);
  return <canvas ref={holder} className="labels" />;
}
