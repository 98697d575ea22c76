import { useEffect } from 'react';
import { setDisplay, useDisplay } from '@/state/display';
import { openPrior } from '@/state/hanging';
import { compareWith, firstPrior } from './compare';
import { usePrior } from './use-prior';

/** Compares with the earlier study that a reader would reach for first, when asked to. */
export function CompareFirst() {
  const asked = useDisplay((state) => state.compare);
  const prior = asked ? firstPrior() : null;
  const { manifest, index } = usePrior(prior);
  useEffect(() => {
    if (prior !== null) openPrior(prior);
  }, [prior]);
  useEffect(() => {
    if (prior === null || !manifest || !index) return;
    compareWith(prior, manifest, index);
    setDisplay({ compare: false });
  }, [prior, manifest, index]);
  return null;
}
