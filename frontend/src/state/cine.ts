import { create } from 'zustand';
import { LEAST_FPS, MOST_FPS } from '@/domain/cine';

interface CineState {
  /** Panes that play now. */
  readonly playing: ReadonlySet<number>;
  /** The chosen rate of a pane; without one its images' own. */
  readonly fps: Readonly<Record<number, number>>;
}

export const useCine = create<CineState>(() => ({ playing: new Set(), fps: {} }));

export function playPane(pane: number, on: boolean): void {
  const playing = new Set(useCine.getState().playing);
  if (on) playing.add(pane);
  else playing.delete(pane);
  useCine.setState({ playing });
}

export function setPaneFps(pane: number, fps: number): void {
  const kept = Math.min(MOST_FPS, Math.max(LEAST_FPS, fps));
  useCine.setState(({ fps: all }) => ({ fps: { ...all, [pane]: kept } }));
}

/** A pane shows something else now: it stands still, at its images' own rate. */
export function resetCine(pane: number): void {
  playPane(pane, false);
  useCine.setState(({ fps: { [pane]: _old, ...rest } }) => ({ fps: rest }));
}
