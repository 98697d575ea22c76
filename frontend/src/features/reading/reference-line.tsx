import { apply } from '@/domain/geometry';
import { cutLine } from '@/domain/linking';
import { type PaneView, useViews } from '@/imaging/view-store';
import { useLinks } from '@/state/linking';
import { useRoom } from '@/state/room';

/** Where the active pane's image cuts this one, if both lie in one frame of reference. */
export function ReferenceLine({ pane, view }: { pane: number; view: PaneView }) {
  const active = useRoom((state) => state.activePane);
  const on = useLinks((state) => state.lines);
  const by = useViews((state) => state.panes[active]?.view ?? null);
  if (!on || active === pane || !by) return null;
  const line = cutLine(view.image, by.image);
  if (!line) return null;
  const [from, to] = line.map((point) => apply(view.matrix, point));
  if (!from || !to) return null;
  const ends = { x1: from[0], y1: from[1], x2: to[0], y2: to[1] };
  return (
    <svg className="reference" aria-hidden="true">
      <line className="halo" {...ends} />
      <line {...ends} />
    </svg>
  );
}
