import { useEffect } from 'react';
import type { NamedWindow } from '@/domain/hanging';
import { countOf } from '@/domain/layout';
import type { Id } from '@/domain/model';
import { linkPanes } from '@/imaging/link-panes';
import type { PackIndex } from '@/imaging/pack';
import { applyHanging, getHangings, loadHangings, useHangings } from '@/state/hanging';
import { getLinks, keepOffset, pairOf } from '@/state/linking';
import { findingsOf, getRoom, showSeries, useRoom } from '@/state/room';
import { firstMarked, seriesHolding } from './first-shown';
import type { PackState } from './use-pack';

const NO_PRESETS: readonly NamedWindow[] = [];

/** The windows that the portal offers for a modality in this study's region. */
export function usePresets(modality: string): readonly NamedWindow[] {
  const all = useHangings((state) => state.hangings?.presets);
  return all?.find((one) => one.modality === modality)?.items ?? NO_PRESETS;
}

function tie(): () => void {
  return linkPanes(
    () => getRoom().activePane,
    () => {
      const { scroll, look, offsets } = getLinks();
      return {
        scroll,
        look,
        offset: (driver, follower) => offsets[pairOf(driver, follower)] ?? null,
        keepOffset,
      };
    },
  );
}

/** Asks how the study hangs and what came before it; ties the panes to each other. */
export function useDisplayOf(study: Id | null): void {
  useEffect(() => {
    if (study !== null) void loadHangings(study);
  }, [study]);
  useEffect(tie, []);
}

/** Where the protocol is one viewport, AI's first mark says which series it shows. */
function hangFirst(index: PackIndex): void {
  const { panes, layout, ai } = getRoom();
  const marked = seriesHolding(index, firstMarked(findingsOf(ai)));
  const first = index.series.find((one) => one.displayable && one.instances.length > 0);
  const present = panes[0]?.series ?? null;
  const wanted = countOf(layout) === 1 ? (marked ?? present) : present;
  const chosen = wanted ?? first?.index ?? null;
  if (chosen !== null && chosen !== present) showSeries(chosen, 0);
}

/** Hangs the study once, by the protocol that the portal chose for it. */
export function useHanging({ index }: PackState): void {
  const aiReady = useRoom((state) => state.ai !== null || state.aiFailure !== null);
  const study = useRoom((state) => state.item?.study.id ?? null);
  const asked = useHangings(
    (state) => state.study === study && (state.hangings !== null || state.failed),
  );
  useEffect(() => {
    if (!index || !aiReady || !asked) return;
    if (getRoom().panes.some((pane) => pane.series !== null)) return;
    const { hangings } = getHangings();
    const hanging = hangings?.items.find((one) => one.id === hangings.chosen);
    if (hanging) applyHanging(hanging, index.series);
    hangFirst(index);
  }, [index, aiReady, asked]);
}
