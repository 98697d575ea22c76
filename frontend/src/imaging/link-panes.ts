import { isParallel, linkedIndex, offsetBetween, sharesFrame } from '@/domain/linking';
import { type GreyWindow, inUnit } from '@/domain/windows';
import { suvOf } from './uptake';
import {
  hearMoves,
  type PaneControl,
  type PaneView,
  paneControl,
  useViews,
} from './view-store';

/** How the panes are tied, as the room has set it. */
export interface Ties {
  readonly scroll: boolean;
  readonly look: boolean;
  offset(driver: string, follower: string): number | null;
  keepOffset(driver: string, follower: string, offset: number): void;
}

/**
 * mm by which a follower is off; kept when it is first needed, from where the two stood
 * before the leader moved. Null when that is not known.
 */
function offsetOf(before: PaneView | null, to: PaneView, ties: Ties): number | null {
  if (!before) return null;
  const kept = ties.offset(before.uid, to.uid);
  if (kept !== null) return kept;
  if (sharesFrame(before.image, to.image)) return 0;
  const offset = offsetBetween(before.image, to.image);
  ties.keepOffset(before.uid, to.uid, offset);
  return offset;
}

interface Step {
  readonly now: PaneView;
  /** Of the same series; null when the leader just came to it. */
  readonly before: PaneView | null;
}

function follow(pane: number, { now, before }: Step, to: PaneView, ties: Ties): void {
  if (now.uid === to.uid) {
    if (now.index !== to.index) paneControl(pane)?.goTo(now.index);
    return;
  }
  const known = before !== null || sharesFrame(now.image, to.image);
  if (!known || !isParallel(now.image, to.image)) return;
  const offset = offsetOf(before ?? now, to, ties);
  const index = linkedIndex(now.image, to.stack.images, offset ?? 0);
  if (index !== null && index !== to.index) paneControl(pane)?.goTo(index);
}

/** mm of one CSS pixel where the whole image is shown, and what they are mm of. */
function scaleWhole(control: PaneControl | null) {
  const [zoom, spot] = [control?.look()?.zoom, control?.spot([0, 0])];
  if (!zoom || !spot?.mmPerPixel) return null;
  return { mm: spot.mmPerPixel * zoom, source: spot.source };
}

/** What a zoom must be multiplied by for things to be as large in both panes. */
function evenZoom(from: PaneControl | null, to: PaneControl | null): number {
  const [a, b] = [scaleWhole(from), scaleWhole(to)];
  return a && b && a.source === b.source ? b.mm / a.mm : 1;
}

/**
 * The leader's window for another series; null where its values are of another kind. The
 * same uptake has other values in another PET: both are taken as SUV, or left.
 */
function windowFor(from: PaneView, to: PaneView): GreyWindow | null {
  const { modality } = from.stack;
  if (modality !== to.stack.modality || from.uid === to.uid || !from.window) return null;
  if (modality !== 'PT') return from.window;
  const [one, other] = [suvOf(from.image.dataset), suvOf(to.image.dataset)];
  return one && other ? inUnit(from.window, one / other) : null;
}

function takeLook(pane: number, active: number, from: PaneView, to: PaneView): void {
  const [leader, control] = [paneControl(active), paneControl(pane)];
  const look = leader?.look() ?? null;
  if (look === null) return;
  control?.setLook({ ...look, zoom: look.zoom * evenZoom(leader, control) });
  const window = windowFor(from, to);
  if (window) control?.window(window);
}

/** Both are the same objects as before where they say the same. */
const lookChanged = (now: PaneView, before: PaneView) =>
  (now.matrix !== before.matrix || now.window !== before.window) &&
  JSON.stringify([now.matrix, now.window]) !==
    JSON.stringify([before.matrix, before.window]);

/** What the leading pane's change means for the others. */
function stepOf(now: PaneView | null, then: PaneView | null): Change | null {
  if (!now || now === then) return null;
  const before = then?.uid === now.uid ? then : null;
  return {
    now,
    before,
    moved: before?.index !== now.index,
    turned: before !== null && lookChanged(now, before),
  };
}

interface Change extends Step {
  readonly moved: boolean;
  readonly turned: boolean;
}

type Panes = ReturnType<typeof useViews.getState>['panes'];

function followers(panes: Panes, lead: number): readonly (readonly [number, PaneView])[] {
  return Object.entries(panes).flatMap(([key, { view }]) =>
    view && Number(key) !== lead ? [[Number(key), view] as const] : [],
  );
}

function take(
  pane: number,
  lead: number,
  step: Change,
  view: PaneView,
  ties: Ties,
): void {
  if (ties.scroll && step.moved) follow(pane, step, view, ties);
  if (ties.look && step.turned) takeLook(pane, lead, step.now, view);
}

/**
 * The leader has another image and draws it at the next frame: who scrolls with it draws
 * in the same one. A frame of the screen is what an image costs where there is no
 * graphics card, and panes one after the other are two.
 */
function moveTogether(lead: number, index: number, ties: Ties): void {
  const { panes } = useViews.getState();
  const before = panes[lead]?.view;
  const image = before?.stack.images[index];
  if (!before || !image || before.index === index || !ties.scroll) return;
  const step = { now: { ...before, index, image }, before };
  for (const [pane, view] of followers(panes, lead)) follow(pane, step, view, ties);
}

/**
 * Moves the other panes with the active one; only the active one leads, so that nothing
 * goes round in circles.
 *
 * @returns how to stop.
 */
export function linkPanes(active: () => number, ties: () => Ties): () => void {
  const stopMoves = hearMoves((pane, index) => {
    if (pane === active()) moveTogether(pane, index, ties());
  });
  const stopViews = useViews.subscribe((state, before) => {
    const lead = active();
    const viewIn = (panes: typeof state.panes) => panes[lead]?.view ?? null;
    const step = stepOf(viewIn(state.panes), viewIn(before.panes));
    if (!step) return;
    for (const [pane, view] of followers(state.panes, lead)) {
      take(pane, lead, step, view, ties());
    }
  });
  return () => {
    stopMoves();
    stopViews();
  };
}
