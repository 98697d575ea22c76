import type { DragEvent } from 'react';
import type { Id } from '@/domain/model';
import { getRoom, hangIn } from '@/state/room';

/** A series on its way from the rail, or from another pane, to a pane. */
interface Dragged {
  readonly series: number;
  readonly study: Id | null;
}

const TYPE = 'application/x-overread-series';

export function startDrag(event: DragEvent, series: number, study: Id | null): void {
  event.dataTransfer.setData(TYPE, JSON.stringify({ series, study }));
  event.dataTransfer.effectAllowed = 'copy';
}

/** Whether what is dragged is a series; what it is, is told only when it is dropped. */
export function carriesSeries(event: DragEvent): boolean {
  return event.dataTransfer.types.includes(TYPE);
}

function readDragged(event: DragEvent): Dragged | null {
  try {
    const dragged: unknown = JSON.parse(event.dataTransfer.getData(TYPE));
    if (typeof dragged !== 'object' || dragged === null) return null;
    const { series, study } = dragged as Partial<Dragged>;
    if (typeof series !== 'number') return null;
    return { series, study: typeof study === 'string' ? study : null };
  } catch {
    return null;
  }
}

/** Hangs the series that was dropped on a pane. */
export function dropSeries(event: DragEvent, pane: number): void {
  const dragged = readDragged(event);
  if (!dragged || getRoom().mpr !== null) return;
  const { series, study } = dragged;
  hangIn(pane, study === null ? { series } : { series, study });
}
