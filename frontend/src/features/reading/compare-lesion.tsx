import { useEffect } from 'react';
import type { Manifest } from '@/domain/model';
import type { PackIndex } from '@/imaging/pack';
import { setDisplay, useDisplay } from '@/state/display';
import { openPrior } from '@/state/hanging';
import { compareLesion } from './compare';
import { seriesHolding } from './first-shown';
import { useStack } from './use-pack';
import { usePrior } from './use-prior';

/** The images of the series that holds an image; undefined until they are known. */
function useHolding(
  of: { manifest: Manifest | null; index: PackIndex | null },
  sopUid: string | null,
) {
  const held = sopUid === null ? null : seriesHolding(of.index, sopUid);
  const series = of.index?.series.find((one) => one.index === held) ?? null;
  return useStack(of.manifest?.pack.base ?? null, series).data;
}

/** Shows a lesion's places on both studies side by side, when asked to. */
export function CompareLesion(props: {
  manifest: Manifest | null;
  index: PackIndex | null;
}) {
  const pair = useDisplay((state) => state.pair);
  const study = pair?.study ?? null;
  const prior = usePrior(study);
  const left = useHolding(props, pair?.now?.sop_uid ?? null);
  const right = useHolding(prior, pair?.earlier.sop_uid ?? null);
  const { manifest } = prior;
  useEffect(() => {
    if (study !== null) openPrior(study);
  }, [study]);
  useEffect(() => {
    if (!pair || !manifest || !left || !right) return;
    setDisplay({ pair: null });
    compareLesion(pair, manifest, [left, right]);
  }, [pair, manifest, left, right]);
  return null;
}
