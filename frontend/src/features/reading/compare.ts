import { mostAlike } from '@/domain/compare';
import { likelyIndex } from '@/domain/linking';
import type { Id, Manifest } from '@/domain/model';
import type { PackIndex } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { getHangings, openPrior, setHangings } from '@/state/hanging';
import { getLinks, setLinks } from '@/state/linking';
import { getRoom, leaveMpr, type Pane, setRoom } from '@/state/room';

/** The series that is read now, as far as its like is sought by it. */
function shownNow(): Pane | null {
  const { panes, activePane } = getRoom();
  const own = [panes[activePane], ...panes].find((one) => one && !one.study);
  return own?.series === undefined || own.series === null ? null : own;
}

/** The most alike of an earlier study's series that can be shown; null for none. */
function likeOf(prior: Manifest, index: PackIndex | null): number | null {
  const now = getRoom().manifest?.series.find((one) => one.index === shownNow()?.series);
  if (!now) return null;
  const shown = new Set(
    index?.series.filter((one) => one.displayable).map((one) => one.index),
  );
  return mostAlike(
    now,
    prior.series.filter((one) => index === null || shown.has(one.index)),
  );
}

/** Only a CT's grey values mean the same in every study. */
const isCt = (manifest: Manifest | null, series: number | null) =>
  manifest?.series.find((one) => one.index === series)?.modality === 'CT';

/** The window that a CT is read in, for the like of it beside. */
function windowBeside(now: Pane, prior: Manifest, series: number | null) {
  const { manifest, panes } = getRoom();
  if (!isCt(manifest, now.series) || !isCt(prior, series)) return null;
  return useViews.getState().panes[panes.indexOf(now)]?.view?.window ?? null;
}

/** Side by side: what is read on the left, an earlier study's like of it on the right. */
export function compareWith(study: Id, prior: Manifest, index: PackIndex | null): void {
  leaveMpr();
  const series = likeOf(prior, index);
  const { panes, activePane } = getRoom();
  const now = shownNow() ?? panes[activePane] ?? { series: null };
  const window = windowBeside(now, prior, series);
  const start = window ? { start: { sopUid: null, window, lean: null } } : {};
  const rest = panes.slice(2).map(() => ({ series: null }));
  setLinks({ scroll: true, offsets: {} });
  openPrior(study);
  setHangings({ applied: null });
  setRoom({
    layout: '1x2',
    panes: [now, { series, study, ...start }, ...rest],
    activePane: 0,
    maximised: null,
  });
}

/** Where an earlier series begins: at the place that the other pane shows. */
export function placeBeside(
  pane: number,
  images: Parameters<typeof likelyIndex>[2],
): number | null {
  if (!getLinks().scroll) return null;
  const { panes } = getRoom();
  const beside = Object.entries(useViews.getState().panes).find(
    ([key, entry]) =>
      Number(key) !== pane && entry.view && panes[Number(key)]?.study === undefined,
  )?.[1].view;
  if (!beside) return null;
  return likelyIndex(beside.stack.images, beside.index, images);
}

/** The earlier study that a reader would reach for first. */
export function firstPrior(): Id | null {
  const { priors } = getHangings();
  return (priors?.find((one) => one.same_region) ?? priors?.[0])?.id ?? null;
}
