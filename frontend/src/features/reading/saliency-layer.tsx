import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { artefactUrl } from '@/api/endpoints';
import type { Affine } from '@/domain/geometry';
import type { Id } from '@/domain/model';
import { colourSaliency } from '@/domain/saliency';
import { findingsOf, useRoom } from '@/state/room';
import { text } from '@/text/en';

/** Grey values of a saliency picture, as the model gave them. */
async function readGrey(url: string, signal: AbortSignal) {
  const response = await fetch(url, { credentials: 'same-origin', signal });
  if (!response.ok) throw new Error(String(response.status));
  const bitmap = await createImageBitmap(await response.blob());
  const canvas = document.createElement('canvas');
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context?.drawImage(bitmap, 0, 0);
  const { width, height } = bitmap;
  const { data } =
    context?.getImageData(0, 0, width, height) ?? new ImageData(width, height);
  return { width, height, grey: data.filter((_, index) => index % 4 === 0) };
}

/** A finding's saliency, and the image that it was computed for. */
export interface Saliency {
  readonly itemId: Id;
  readonly artefact: Id;
  readonly cutOff: number;
  /** The image's place in the list that was asked about. */
  readonly place: number;
}

interface Imaged {
  readonly sopUid: string;
  readonly frame: number;
}

/**
 * The saliency that is to be shown on one of some images: the active finding's, else the
 * first one's. Null where there is none, or while it is switched off.
 */
export function useSaliency(images: readonly Imaged[]): Saliency | null {
  const on = useRoom((state) => state.saliency);
  const itemId = useRoom((state) => state.itemId);
  const ai = useRoom((state) => state.ai);
  const active = useRoom((state) => state.activeFinding);
  return useMemo(() => {
    if (!on || itemId === null) return null;
    const found = findingsOf(ai).flatMap(({ id, saliency }) => {
      if (!saliency) return [];
      const { sop_uid, frame, artefact_id: artefact, cut_off } = saliency;
      const place = images.findIndex(
        (image) => image.sopUid === sop_uid && image.frame === frame,
      );
      return place < 0 ? [] : [{ id, itemId, artefact, cutOff: cut_off ?? 0.3, place }];
    });
    return found.find(({ id }) => id === active) ?? found[0] ?? null;
  }, [on, itemId, ai, active, images]);
}

export interface SaliencyLayerProps {
  readonly saliency: Saliency;
  /** The image that it lies over; `matrix` from its pixels' corners to CSS pixels. */
  readonly place: {
    readonly columns: number;
    readonly rows: number;
    readonly matrix: Affine;
  };
}

/** Saliency as a coloured layer of its own: the image under it is never touched. */
export function SaliencyLayer({ saliency, place }: SaliencyLayerProps) {
  const { itemId, artefact, cutOff } = saliency;
  const holder = useRef<HTMLCanvasElement>(null);
  const { data } = useQuery({
    queryKey: ['saliency', itemId, artefact],
    queryFn: ({ signal }) => readGrey(artefactUrl(itemId, artefact), signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: 1,
  });

  useEffect(() => {
    const context = holder.current?.getContext('2d');
    if (!context || !data) return;
    const colours = new ImageData(data.width, data.height);
    colours.data.set(colourSaliency(data.grey, cutOff));
    context.clearRect(0, 0, data.width, data.height);
    context.putImageData(colours, 0, 0);
  }, [data, cutOff]);

  if (!data) return null;
  const { a, b, c, d, e, f } = place.matrix;
  const across = place.columns / data.width;
  const down = place.rows / data.height;
  const matrix = [a * across, b * across, c * down, d * down, e, f].join(',');
  return (
    <canvas
      ref={holder}
      className="saliency"
      width={data.width}
      height={data.height}
      style={{ transform: `matrix(${matrix})` }}
    />
  );
}

/** What the colours of saliency mean. */
export function SaliencyLegend({ cutOff }: { cutOff: number }) {
  return (
    <div className="legend">
      {text.room.saliencyHigh}
      <i />
      {cutOff.toFixed(1)}
      <span>
        {text.room.saliency}
        <br />
        {text.room.saliencyRelative}
      </span>
    </div>
  );
}
