import { useMemo, useState } from 'react';
import { isGrid } from '@/domain/volume';
import { FusionPane, type Volume } from '@/imaging/fusion-pane';
import type { PackIndex, Stack } from '@/imaging/pack';
import { uptakeRange } from '@/imaging/uptake';
import { text } from '@/text/en';
import { display } from '@/text/en-display';
import { greysOf } from './mpr-greys';
import { useGrid, useStack } from './use-pack';

const words = display.fusion;

function useVolumeOf(stack: Stack | null): Volume | null {
  const grid = useGrid(stack);
  return useMemo(
    () => (stack && grid && isGrid(grid) ? { stack, grid } : null),
    [stack, grid],
  );
}

export interface FusionProps {
  readonly pane: number;
  readonly stack: Stack;
  /** Index of the series that is laid over. */
  readonly over: number;
  readonly base: string;
  readonly index: PackIndex;
  readonly startIndex: number;
  readonly window: { readonly width: number; readonly level: number } | null;
  readonly label: string;
}

/** How strong the colours are, and what they stand for. */
function Scale({
  stack,
  opacity,
  onOpacity,
}: {
  stack: Stack;
  opacity: number;
  onOpacity: (opacity: number) => void;
}) {
  const { upper, suv } = uptakeRange(stack);
  const most = suv === null ? `${Math.round(upper)}` : `SUV ${suv}`;
  return (
    <div className="fusion-scale" title={suv === null ? words.noSuv : words.formula}>
      <span>{most}</span>
      <i />
      <span>0</span>
      <input
        type="range"
        min={0}
        max={100}
        step={10}
        value={Math.round(opacity * 100)}
        aria-label={words.opacity}
        onChange={(event) => onOpacity(event.currentTarget.valueAsNumber / 100)}
      />
      <b>{suv === null ? words.noSuvShort : words.suv}</b>
    </div>
  );
}

/** PET over CT: the stack of the one with the other's colours; says why it cannot be. */
export function Fusion(props: FusionProps) {
  const { pane, stack, over, base, index, startIndex, window, label } = props;
  const series = index.series.find((one) => one.index === over) ?? null;
  const { data } = useStack(base, series);
  const { tones, stated } = useMemo(() => greysOf(stack), [stack]);
  const [opacity, setOpacity] = useState(0.6);
  const lower = useVolumeOf(stack);
  const upper = useVolumeOf(data ?? null);
  if (!data) {
    return (
      <div className="pane-word" role="status">
        <b>{text.room.loadingSeries}</b>
      </div>
    );
  }
  if (!lower || !upper) {
    return (
      <div className="pane-word" role="status">
        <b>{words.cannot}</b>
        <span>{words.cannotWhy}</span>
      </div>
    );
  }
  return (
    <>
      <FusionPane
        pane={pane}
        base={lower}
        over={upper}
        startIndex={startIndex}
        {...{ tones, stated, window }}
        opacity={opacity}
        label={label}
      />
      <Scale stack={data} opacity={opacity} onOpacity={setOpacity} />
    </>
  );
}
