import { useMemo } from 'react';
import { presentationFor } from '@/domain/foreign';
import type { Affine } from '@/domain/geometry';
import { type Bitmap, coversOf, type Shutter, wordsOf } from '@/domain/shutter';
import { shutterOf } from '@/imaging/shutter-of';
import type { PaneView } from '@/imaging/view-store';
import { useDisplay } from '@/state/display';
import { useForeignState } from '@/state/foreign';
import { Picture } from './overlay-layer';

/** The shutter of the presentation state that the pane shows, else the image's own. */
function useShutter(pane: number, { image }: PaneView) {
  const applied = useForeignState((state) => state.applied[pane] ?? null);
  return useMemo(() => {
    const said = applied ? presentationFor(applied, image) : null;
    return said ? said.shutter : shutterOf(image.dataset);
  }, [applied, image]);
}

/** Covers what the image, or a presentation state, says is not to be seen. */
export function ShutterLayer({ pane, view }: { pane: number; view: PaneView }) {
  const on = useDisplay((state) => state.overlays);
  const shutter = useShutter(pane, view);
  if (!on || !shutter) return null;
  const { level, bitmap } = shutter;
  return (
    <>
      {bitmap ? <Covered {...{ bitmap, level }} matrix={view.matrix} /> : null}
      <Outside {...{ shutter, view }} />
    </>
  );
}

/** What a bitmap covers, pixel by pixel. */
function Covered(props: { bitmap: Bitmap; level: number; matrix: Affine }) {
  const { bitmap, level, matrix } = props;
  const words = useMemo(() => wordsOf(bitmap, level), [bitmap, level]);
  const { rows, columns, left, top } = bitmap;
  return (
    <Picture
      {...{ rows, columns, left, top, words, matrix }}
      className="shutter-bitmap"
    />
  );
}

/** What lies outside any opening. */
function Outside({ shutter, view }: { shutter: Shutter; view: PaneView }) {
  const { a, b, c, d, e, f } = view.matrix;
  const { level } = shutter;
  if (shutter.openings.length === 0) return null;
  return (
    <svg className="shutter" aria-hidden="true">
      <g
        transform={`matrix(${[a, b, c, d, e, f].join(' ')})`}
        fill={`rgb(${level} ${level} ${level})`}
        fillRule="evenodd"
      >
        {coversOf(shutter, view.image).map((path) => (
          <path key={path} d={path} />
        ))}
      </g>
    </svg>
  );
}
