import { useEffect, useMemo } from 'react';
import { type CinePace, LEAST_FPS, lasting, MOST_FPS } from '@/domain/cine';
import { stackPace } from '@/imaging/cine-facts';
import type { Stack } from '@/imaging/pack';
import { paneControl, useViews } from '@/imaging/view-store';
import { playPane, resetCine, setPaneFps, useCine } from '@/state/cine';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';

/** A frame that does not come in this time is passed over. */
const PATIENCE_MS = 1500;
const LOOK_MS = 8;

/**
 * Shows one image after the other, each as long as it lasts. The next one is asked for
 * only when the last one is on the screen: a slow machine plays slower, and is not buried.
 */
function play(pane: number, pace: CinePace, fps: number): () => void {
  let wanted = -1;
  let since = performance.now();
  const step = () => {
    const view = useViews.getState().panes[pane]?.view;
    const now = performance.now();
    if (!view) return;
    const shown = wanted < 0 || view.index === wanted;
    if (!shown && now - since < PATIENCE_MS) return;
    if (now - since < lasting(pace, view.index, fps)) return;
    const from = shown ? view.index : wanted;
    wanted = (from + 1) % view.count;
    since = now;
    paneControl(pane)?.goTo(wanted);
  };
  const timer = setInterval(step, LOOK_MS);
  return () => clearInterval(timer);
}

/** Plays the stack of a pane while that is on, and has the controls for it. */
export function Cine({ pane, stack }: { pane: number; stack: Stack }) {
  const playing = useCine((state) => state.playing.has(pane));
  const chosen = useCine((state) => state.fps[pane]);
  const pace = useMemo(() => stackPace(stack), [stack]);
  const fps = chosen ?? pace.fps;
  useEffect(
    () => (playing ? play(pane, pace, fps) : undefined),
    [playing, pane, pace, fps],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: another stack stands still
  useEffect(() => () => resetCine(pane), [pane, stack]);
  useEffect(() => {
    if (chosen === undefined && playing) setPaneFps(pane, pace.fps);
  }, [chosen, playing, pane, pace]);
  if (chosen === undefined || stack.images.length < 2) return null;
  return (
    <div className="cine" data-testid="cine">
      <button
        type="button"
        className="icon-btn"
        aria-label={playing ? text.cine.pause : text.cine.start}
        onClick={() => playPane(pane, !playing)}
      >
        <Glyph name={playing ? 'pause' : 'cine'} small />
      </button>
      <input
        type="range"
        min={LEAST_FPS}
        max={MOST_FPS}
        step={1}
        value={fps}
        aria-label={text.cine.rate}
        aria-valuetext={text.cine.fps(String(fps))}
        onChange={(event) => setPaneFps(pane, event.currentTarget.valueAsNumber)}
      />
      <span>
        {text.cine.fps(String(fps))}
        {pace.stated && fps === pace.fps ? `, ${text.cine.stated}` : ''}
      </span>
      <button
        type="button"
        className="icon-btn"
        aria-label={text.common.close}
        onClick={() => resetCine(pane)}
      >
        <Glyph name="cross" small />
      </button>
    </div>
  );
}
