import { SLAB_MODES, setSlab, useMpr } from '@/imaging/mpr-store';
import { setDisplay } from '@/state/display';
import { display } from '@/text/en-display';
import { looks } from '@/text/en-looks';

const words = display.slab;
const LEAST_MM = 2;
const MOST_MM = 60;

/** Says on every plane that it is a slab, and how thick. */
export function SlabWord() {
  const { mode, mm } = useMpr((state) => state.slab);
  if (mode === 'none') return null;
  return (
    <div className="slab-word">
      {words.modes[mode]} {words.mm(mm)}
    </div>
  );
}

/** A plane, or the brightest, darkest or mean of a slab of some thickness. */
export function SlabBar() {
  const { mode, mm } = useMpr((state) => state.slab);
  return (
    <div className="slab-bar" role="toolbar" aria-label={words.name}>
      {SLAB_MODES.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === mode}
          onClick={() => setSlab({ mode: one })}
        >
          {words.modes[one]}
        </button>
      ))}
      <button type="button" onClick={() => setDisplay({ solid: true })}>
        {looks.solid.command}
      </button>
      {mode === 'none' ? null : (
        <label>
          <input
            type="range"
            min={LEAST_MM}
            max={MOST_MM}
            value={mm}
            aria-label={words.thickness}
            onChange={(event) => setSlab({ mm: event.currentTarget.valueAsNumber })}
          />
          {words.mm(mm)}
        </label>
      )}
    </div>
  );
}
