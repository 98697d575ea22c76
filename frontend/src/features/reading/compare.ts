import { mostAlike } from '@/domain/compare';
import type { Point } from '@/domain/geometry';
import type { LesionPair } from '@/domain/lesions';
import { likelyIndex, offsetAlong } from '@/domain/linking';
import type { Id, Manifest } from '@/domain/model';
import { makeEven } from '@/imaging/even-panes';
import type { PackIndex, Stack } from '@/imaging/pack';
import { resizePanes } from '@/imaging/setup';
import { type PaneView, useViews } from '@/imaging/view-store';
import { getHangings, openPrior, setHangings } from '@/state/hanging';
import { getLinks, keepOffset, setLinks } from '@/state/linking';
import { getRoom, jumpTo, leaveMpr, type Pane, setRoom } from '@/state/room';

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

/** Side by side, tied to each other: what is read on the left, the other on the right. */
function hangBeside(now: Pane, then: Pane): void {
  const rest = getRoom()
    .panes.slice(2)
    .map(() => ({ series: null }));
  setLinks({ scroll: true, offsets: {} });
  setHangings({ applied: null });
  setRoom({
    layout: '1x2',
    panes: [now, then, ...rest],
    activePane: 0,
    maximised: null,
  });
}

/** Side by side: what is read on the left, an earlier study's like of it on the right. */
export function compareWith(study: Id, prior: Manifest, index: PackIndex | null): void {
  leaveMpr();
  const series = likeOf(prior, index);
  const { manifest, panes, activePane } = getRoom();
  const now = shownNow() ?? panes[activePane] ?? { series: null };
  const window = windowBeside(now, prior, series);
  const start = window ? { start: { sopUid: null, window, lean: null } } : {};
  openPrior(study);
  hangBeside(now, { series, study, ...start });
  const awaited = [
    { uid: uidOf(manifest, now.series) },
    { uid: uidOf(prior, series) },
  ] as const;
  whenBothShown(awaited, (a, b) => makeEven(a, middleOf(a), middleOf(b)));
}

/** Side by side: one lesion's place now and then, as large and where it is in the left. */
export function compareLesion(
  { study, now, earlier }: LesionPair,
  prior: Manifest,
  [left, right]: readonly [Stack, Stack],
): void {
  leaveMpr();
  const held = shownNow();
  const shown = held?.series === left.index ? held : { series: left.index };
  const window = windowBeside(shown, prior, right.index);
  hangBeside(shown, {
    series: right.index,
    study,
    start: { sopUid: earlier.sop_uid, window, lean: null },
  });
  const images = [imageOn(left, now?.sop_uid), imageOn(right, earlier.sop_uid)] as const;
  if (images[0] && images[1])
    keepOffset(left.uid, right.uid, offsetAlong(images[0], images[1]));
  if (now) jumpTo(left.index, now.sop_uid, 1, [now.column, now.row]);
  const awaited = [
    { uid: left.uid, ...(now ? { sopUid: now.sop_uid } : {}) },
    { uid: right.uid, sopUid: earlier.sop_uid },
  ] as const;
  whenBothShown(awaited, (a) => {
    const left: Point = now ? [now.column, now.row] : middleOf(a);
    makeEven(a, left, [earlier.column, earlier.row]);
  });
}

const imageOn = ({ images }: Stack, sopUid: string | undefined) =>
  images.find((image) => image.sopUid === sopUid) ?? null;

const uidOf = (manifest: Manifest | null, series: number | null) =>
  manifest?.series.find((one) => one.index === series)?.uid ?? null;

const middleOf = ({ image }: PaneView): Point => [image.columns / 2, image.rows / 2];

let stopWaiting: () => void = () => undefined;

/** A series, and the image of it that is waited for; without one, any. */
interface Awaited {
  readonly uid: string | null;
  readonly sopUid?: string;
}

const shows = (view: PaneView | null | undefined, { uid, sopUid }: Awaited) =>
  view?.uid === uid && (sopUid === undefined || view?.image.sopUid === sopUid);

/** Once the two left panes show this and have their sizes; never, if they are hung anew. */
function whenBothShown(
  awaited: readonly [Awaited, Awaited],
  act: (left: PaneView, right: PaneView) => void,
): void {
  stopWaiting();
  const hung = getRoom().panes;
  const look = () => {
    if (getRoom().panes !== hung) return stopWaiting();
    const { panes } = useViews.getState();
    const [a, b] = [panes[0]?.view, panes[1]?.view];
    if (!a || !b || !shows(a, awaited[0]) || !shows(b, awaited[1])) return;
    if (Math.abs(a.width - b.width) > 1) return;
    stopWaiting();
    // What fits the panes to their sizes is still to be done, and would undo this.
    resizePanes(() => act(a, b));
  };
  stopWaiting = useViews.subscribe(look);
  look();
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
