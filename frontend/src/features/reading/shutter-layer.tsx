import { useMemo } from 'react';
import { presentationFor } from '@/domain/foreign';
import { coversOf } from '@/domain/shutter';
import { shutterOf } from '@/imaging/shutter-of';
import type { PaneView } from '@/imaging/view-store';
import { useDisplay } from '@/state/display';
import { useForeignState } from '@/state/foreign';

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
  const { a, b, c, d, e, f } = view.matrix;
  const { level } = shutter;
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
