import { BRUSHES, type ScissorShape } from '@/domain/segment/paint';
import { isRanged, isSegmentTool } from '@/domain/segment/tools';
import { pixelValues } from '@/imaging/pixel-values';
import { useViews } from '@/imaging/view-store';
import { useRoom } from '@/state/room';
import { segmentControl, setSegmenting, useSegmenting } from '@/state/segmenting';
import { UNITS } from '@/text/en-measure';
import { segments as words } from '@/text/en-segments';

const SHAPES: readonly ScissorShape[] = ['freehand', 'rectangle', 'circle'];

function BrushSize({ scaled }: { scaled: boolean }) {
  const size = useSegmenting((state) => state.size);
  const at = BRUSHES.findIndex((one) => one >= size);
  return (
    <div>
      <span className="what">{words.size}</span>
      <input
        type="range"
        min={0}
        max={BRUSHES.length - 1}
        step={1}
        value={Math.max(0, at)}
        aria-label={words.size}
        aria-valuetext={words.sizeIs(size, scaled)}
        onChange={(event) =>
          setSegmenting({ size: BRUSHES[event.currentTarget.valueAsNumber] ?? size })
        }
      />
      <b>{words.sizeIs(size, scaled)}</b>
    </div>
  );
}

function Shapes() {
  const shape = useSegmenting((state) => state.shape);
  return (
    <div>
      <fieldset className="choices" aria-label={words.shape}>
        {SHAPES.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === shape}
            onClick={() => setSegmenting({ shape: one })}
          >
            {words.shapes[one]}
          </button>
        ))}
      </fieldset>
    </div>
  );
}

/** The values that are painted: two fields, or taken from the image. */
function RangeFields({ unit }: { unit: string }) {
  const range = useSegmenting((state) => state.range);
  const change = (end: 'low' | 'high', value: number) => {
    if (!Number.isFinite(value)) return;
    const before = range ?? { low: value, high: value };
    setSegmenting({ range: { ...before, [end]: value } });
  };
  return (
    <>
      <div>
        <span className="what">{words.range}</span>
        {(['low', 'high'] as const).map((end) => (
          <input
            key={end}
            type="number"
            step="any"
            aria-label={words[end]}
            value={range ? range[end] : ''}
            onChange={(event) => change(end, event.currentTarget.valueAsNumber)}
          />
        ))}
        <span>{UNITS[unit] ?? unit}</span>
      </div>
      <div>
        <button
          type="button"
          className="link"
          onClick={() => segmentControl()?.takeRange()}
        >
          {words.fromCursor}
        </button>
        {range ? null : <span className="t3">{words.noRange}</span>}
      </div>
    </>
  );
}

function Opacity() {
  const opacity = useSegmenting((state) => state.opacity);
  return (
    <div>
      <span className="what">{words.opacityShort}</span>
      <input
        type="range"
        min={0}
        max={100}
        step={5}
        value={Math.round(opacity * 100)}
        aria-label={words.opacity}
        onChange={(event) =>
          setSegmenting({ opacity: event.currentTarget.valueAsNumber / 100 })
        }
      />
      <b>{Math.round(opacity * 100)} %</b>
    </div>
  );
}

/** How the segment tool that was taken up works. */
export function SegmentOptions() {
  const tool = useRoom((state) => state.tool);
  const pane = useRoom((state) => state.activePane);
  const image = useViews((state) => state.panes[pane]?.view?.image ?? null);
  if (!isSegmentTool(tool)) return null;
  const unit = image ? (pixelValues(image)?.unit ?? '1') : '1';
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame of its own
    <div className="tool-options" role="group" aria-label={words.short[tool]}>
      {tool === 'scissors' ? <Shapes /> : null}
      {tool === 'scissors' ? null : (
        <BrushSize scaled={image?.spacing.source !== 'none'} />
      )}
      {isRanged(tool) ? <RangeFields unit={unit} /> : null}
      <Opacity />
    </div>
  );
}
