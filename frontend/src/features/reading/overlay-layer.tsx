import { useEffect, useMemo, useRef } from 'react';
import type { Affine } from '@/domain/geometry';
import { type OverlayPlane, overlaysOf } from '@/imaging/overlay-planes';
import type { PaneView } from '@/imaging/view-store';
import { useDisplay } from '@/state/display';

interface PlaneProps {
  readonly plane: OverlayPlane;
  readonly matrix: Affine;
}

/** One plane as a layer of its own: the image under it is never touched. */
function Plane({ plane, matrix }: PlaneProps) {
  const holder = useRef<HTMLCanvasElement>(null);
  const { rows, columns, left, top, pixels } = plane;
  useEffect(() => {
    const context = holder.current?.getContext('2d');
    if (!context) return;
    const picture = new ImageData(columns, rows);
    const words = new Uint32Array(picture.data.buffer);
    pixels.forEach((on, at) => {
      if (on) words[at] = 0xff_f9_f5_f2;
    });
    context.putImageData(picture, 0, 0);
  }, [columns, rows, pixels]);
  const { a, b, c, d, e, f } = matrix;
  const x = e + a * left + c * top;
  const y = f + b * left + d * top;
  return (
    <canvas
      ref={holder}
      className="overlay-plane"
      width={columns}
      height={rows}
      style={{ transform: `matrix(${[a, b, c, d, x, y].join(',')})` }}
    />
  );
}

/** Words and lines that the machine laid over this image. */
export function OverlayLayer({ view }: { view: PaneView }) {
  const on = useDisplay((state) => state.overlays);
  const { dataset, frame } = view.image;
  const planes = useMemo(() => overlaysOf(dataset, frame), [dataset, frame]);
  if (!on) return null;
  return planes.map((plane, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: planes have no other name
    <Plane key={place} plane={plane} matrix={view.matrix} />
  ));
}
