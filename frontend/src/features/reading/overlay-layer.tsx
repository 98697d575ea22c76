import { useEffect, useMemo, useRef } from 'react';
import type { Affine } from '@/domain/geometry';
import { coloursOf } from '@/imaging/colour-map';
import { type OverlayPlane, overlaysOf } from '@/imaging/overlay-planes';
import type { PaneView } from '@/imaging/view-store';
import { useDisplay } from '@/state/display';

const WHITE = 0xff_f9_f5_f2;

interface PictureProps {
  readonly rows: number;
  readonly columns: number;
  /** Where its upper left pixel lies on the image, image space. */
  readonly left: number;
  readonly top: number;
  /** One word (R, G, B, opacity) a pixel, row by row. */
  readonly words: Uint32Array;
  readonly matrix: Affine;
  readonly className: string;
}

/** A picture as a layer of its own: the image under it is never touched. */
export function Picture(props: PictureProps) {
  const holder = useRef<HTMLCanvasElement>(null);
  const { rows, columns, left, top, words, className } = props;
  useEffect(() => {
    const context = holder.current?.getContext('2d');
    if (!context) return;
    const picture = new ImageData(columns, rows);
    new Uint32Array(picture.data.buffer).set(words);
    context.putImageData(picture, 0, 0);
  }, [columns, rows, words]);
  const { a, b, c, d, e, f } = props.matrix;
  const x = e + a * left + c * top;
  const y = f + b * left + d * top;
  return (
    <canvas
      ref={holder}
      className={className}
      width={columns}
      height={rows}
      style={{ transform: `matrix(${[a, b, c, d, x, y].join(',')})` }}
    />
  );
}

function Plane({ plane, matrix }: { plane: OverlayPlane; matrix: Affine }) {
  const { pixels, ...place } = plane;
  const words = useMemo(
    () => Uint32Array.from(pixels, (on) => (on ? WHITE : 0)),
    [pixels],
  );
  return <Picture {...place} words={words} matrix={matrix} className="overlay-plane" />;
}

/** The colours that an image of a map, as of perfusion, states for its values. */
function Colours({ view }: { view: PaneView }) {
  const { image, matrix } = view;
  const words = useMemo(() => coloursOf(image), [image]);
  if (!words) return null;
  const { rows, columns } = image;
  const size = { rows, columns, left: 0, top: 0 };
  return <Picture {...size} words={words} matrix={matrix} className="colour-map" />;
}

/** Colours, words and lines that the machine laid over this image. */
export function OverlayLayer({ view }: { view: PaneView }) {
  const on = useDisplay((state) => state.overlays);
  const { dataset, frame } = view.image;
  const planes = useMemo(() => overlaysOf(dataset, frame), [dataset, frame]);
  if (!on) return null;
  return (
    <>
      <Colours view={view} />
      {planes.map((plane, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: planes have no other name
        <Plane key={place} plane={plane} matrix={view.matrix} />
      ))}
    </>
  );
}
