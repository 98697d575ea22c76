import { useEffect, useMemo, useRef } from 'react';
import { lettersOf } from '@/domain/geometry';
import { rangeOf } from '@/domain/windows';
import { voiOf } from '@/imaging/dataset';
import type { Stack } from '@/imaging/pack';
import { SolidPane, turnSolid } from '@/imaging/solid-pane';
import { presetsOf } from '@/imaging/solid-presets';
import { setSolid, useSolid } from '@/imaging/solid-store';
import { uptakeRange } from '@/imaging/uptake';
import { registerBoxKeys } from '@/state/box-keys';
import { setDisplay } from '@/state/display';
import { setRoom } from '@/state/room';
import { text } from '@/text/en';
import { looks } from '@/text/en-looks';
import { registerPicture } from './capture-pane';

const words = looks.solid;
const DEGREES = 10;
const TURNS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-DEGREES, 0],
  ArrowRight: [DEGREES, 0],
  ArrowUp: [0, -DEGREES],
  ArrowDown: [0, DEGREES],
};

/** Arrows turn the body while it is on the screen. */
function useTurning(): void {
  useEffect(
    () =>
      registerBoxKeys((stroke) => {
        const by = TURNS[stroke];
        return by ? turnSolid(...by) : false;
      }),
    [],
  );
}

/** What the series' own window begins and ends with, for images without a unit. */
function useEnds(stack: Stack) {
  return useMemo(() => {
    const middle = stack.images[Math.floor(stack.images.length / 2)];
    if (stack.modality === 'PT') return { lower: 0, upper: uptakeRange(stack).upper };
    const { centers, widths } = voiOf(middle?.dataset ?? {});
    const [level, width] = [centers[0], widths[0]];
    return level === undefined || width === undefined
      ? { lower: 0, upper: 1000 }
      : rangeOf({ level, width });
  }, [stack]);
}

function Presets({ modality }: { modality: string }) {
  const preset = useSolid((state) => state.preset);
  const offered = presetsOf(modality);
  useEffect(() => {
    const [first] = presetsOf(modality);
    if (first && !presetsOf(modality).includes(useSolid.getState().preset)) {
      setSolid({ preset: first });
    }
  }, [modality]);
  return (
    <div className="slab-bar" role="toolbar" aria-label={words.presets}>
      {offered.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === preset}
          onClick={() => setSolid({ preset: one })}
        >
          {words.names[one]}
        </button>
      ))}
      <button type="button" onClick={() => setDisplay({ solid: false })}>
        {words.planes}
      </button>
    </div>
  );
}

/** One series drawn as a body, to be turned; nothing is measured on it. */
export function SolidStage({ stack, volumeId }: { stack: Stack; volumeId: string }) {
  const towards = useSolid((state) => state.towards);
  const drawn = useSolid((state) => state.drawn);
  const trouble = useSolid((state) => state.trouble);
  const ends = useEnds(stack);
  useTurning();
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // There is one pane now, whichever plane was worked on before.
    setRoom({ activePane: 0 });
    return registerPicture(0, () => {
      const { current: element } = holder;
      return element && { element, stack, what: 'body' };
    });
  }, [stack]);
  const name = text.room.seriesName(stack.number, stack.description || stack.modality);
  return (
    <div ref={holder} className="pane main active solid" data-solid={drawn}>
      <SolidPane volumeId={volumeId} ends={ends} label={words.label(name)} />
      <div className="pane-over">
        <div className="corner tl">
          <b>{words.title}</b>
          <div>{name}</div>
        </div>
        <div className="corner tr">
          {words.from(lettersOf(towards))}
          <div className="slab-word">{words.notForMeasuring}</div>
        </div>
        <div className="corner br">{words.hint}</div>
      </div>
      {trouble === null ? null : (
        <div className="pane-word" role="alert">
          <b>{words.trouble}</b>
          <span>{trouble}</span>
        </div>
      )}
      <Presets modality={stack.modality} />
    </div>
  );
}
