import type { Hangings } from '@/domain/hanging';
import type { Id, Row } from '@/domain/model';
import type { EarlyPicture } from '@/imaging/early-paint';
import { onForget } from '@/imaging/forget';
import type { PackIndex, PackSeries } from '@/imaging/pack';

/** The first image of the study that comes next, ready before anybody asks for it. */
export interface FirstAhead {
  readonly itemId: Id;
  /** Where the frames of its revision lie. */
  readonly base: string;
  readonly series: number;
  readonly rows: number;
  readonly columns: number;
  readonly picture: EarlyPicture;
}

/** A picture is kept as the values of all its pixels; larger ones are made when they open. */
const MOST_PIXELS = 16 * 1024 ** 2;

let kept: FirstAhead | null = null;
onForget(() => {
  kept = null;
});

export function keepFirst(first: FirstAhead | null): void {
  const { rows = 0, columns = 0 } = first?.picture.image ?? {};
  kept = rows * columns > MOST_PIXELS ? null : first;
}

export function firstAhead(itemId: Id): FirstAhead | null {
  return kept?.itemId === itemId ? kept : null;
}

export type Beginning = Pick<FirstAhead, 'rows' | 'columns'> & {
  readonly series: PackSeries;
  readonly window: { readonly width: number; readonly level: number } | null;
};

/** How a study begins; null where its first viewport is more than one plain image. */
export function beginningOf(
  index: PackIndex,
  hangings: Hangings | null,
): Beginning | null {
  const hanging = hangings?.items.find((one) => one.id === hangings.chosen);
  const pane = hanging?.panes[0];
  if (pane?.lean || pane?.over_uid || pane?.sop_uid) return null;
  const shown = index.series.filter((one) => one.displayable && one.instances.length > 0);
  const series = pane?.series_uid
    ? shown.find((one) => one.uid === pane.series_uid)
    : shown[0];
  if (!series) return null;
  const { rows = 1, columns = 1 } = hanging ?? {};
  return { series, rows, columns, window: pane?.window ?? null };
}

/** Whether AI may have marked another image, with which the study then begins. */
export function mayBeginElsewhere(row: Row, index: PackIndex): boolean {
  const images = index.series.flatMap((one) => one.instances);
  const single = images.length === 1 && (images[0]?.n_frames ?? 1) <= 1;
  return !single && Boolean(row.ai.label);
}
