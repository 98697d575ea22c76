import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { artefactUrl } from '@/api/endpoints';
import type { Id } from '@/domain/model';
import { colourSaliency } from '@/domain/saliency';
import type { PaneView } from '@/imaging/view-store';

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

export interface SaliencyLayerProps {
  readonly itemId: Id;
  readonly artefact: Id;
  readonly cutOff: number;
  readonly view: PaneView;
}

/** Saliency as a coloured layer of its own: the image under it is never touched. */
export function SaliencyLayer({ itemId, artefact, cutOff, view }: SaliencyLayerProps) {
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
  const { a, b, c, d, e, f } = view.matrix;
  const across = view.image.columns / data.width;
  const down = view.image.rows / data.height;
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
