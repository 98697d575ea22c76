import { create } from 'zustand';
import type { Affine, Point } from '@/domain/geometry';
import type { GreyWindow } from '@/domain/windows';
import type { Spacing } from './dataset';
import type { ImageRef, Stack } from './pack';

/** What one pane shows now: enough to lay marks and words over it. */
export interface PaneView {
  readonly series: number;
  /** Series Instance UID: it tells series of several studies apart. */
  readonly uid: string;
  readonly stack: Stack;
  readonly index: number;
  readonly count: number;
  readonly image: ImageRef;
  /** Image space to CSS pixels of the pane. */
  readonly matrix: Affine;
  readonly width: number;
  readonly height: number;
  readonly window: GreyWindow | null;
  readonly inverted: boolean;
}

export interface PaneTrouble {
  readonly kind: 'preparing' | 'denied' | 'offline' | 'broken' | 'decode';
  readonly detail: string;
}

export interface PaneEntry {
  readonly view: PaneView | null;
  readonly trouble: PaneTrouble | null;
  readonly loading: boolean;
}

/** How much of each series (by UID) is in this browser's memory. */
export type Loaded = Readonly<
  Record<string, { readonly done: number; readonly of: number }>
>;

interface ViewState {
  readonly panes: Readonly<Record<number, PaneEntry>>;
  readonly loaded: Loaded;
  /** How each pane is moved; kept here so that who offers it learns of a new one. */
  readonly controls: Readonly<Record<number, PaneControl>>;
}

export const NO_PANE: PaneEntry = { view: null, trouble: null, loading: false };

export const useViews = create<ViewState>(() => ({
  panes: {},
  loaded: {},
  controls: {},
}));

export function setPane(pane: number, change: Partial<PaneEntry>): void {
  useViews.setState(({ panes }) => ({
    panes: { ...panes, [pane]: { ...(panes[pane] ?? NO_PANE), ...change } },
  }));
}

/**
 * Hundreds of images come within seconds; how many there are is told a few times. Each
 * time is a frame of the whole screen, which without a graphics card is what the time
 * that images need goes to.
 */
const TELL_MS = 300;
let untold: Loaded = {};
let telling: ReturnType<typeof setTimeout> | undefined;

function tell(): void {
  clearTimeout(telling);
  telling = undefined;
  const news = untold;
  untold = {};
  useViews.setState(({ loaded }) => ({ loaded: { ...loaded, ...news } }));
}

export function setLoaded(uid: string, done: number, of: number): void {
  const known = useViews.getState().loaded[uid] !== undefined;
  untold = { ...untold, [uid]: { done, of } };
  if (done >= of || !known) tell();
  else telling ??= setTimeout(tell, TELL_MS);
}

export function resetViews(): void {
  clearTimeout(telling);
  telling = undefined;
  untold = {};
  useViews.setState({ panes: {}, loaded: {} });
}

/** Hears that a pane is about to draw the image at `index`. */
type MoveListener = (pane: number, index: number) => void;
const moveListeners = new Set<MoveListener>();

/** Tells that a pane has another image, which it draws at the next frame. */
export function tellMove(pane: number, index: number): void {
  for (const listener of moveListeners) listener(pane, index);
}

export function hearMoves(listener: MoveListener): () => void {
  moveListeners.add(listener);
  return () => void moveListeners.delete(listener);
}

/** Zoom, pan, turn and mirroring of a pane, told so that another pane can take them. */
export interface Look {
  /** 1 shows the whole image. */
  readonly zoom: number;
  /** Of the pane's size, from the middle. */
  readonly pan: readonly [number, number];
  readonly rotation: number;
  readonly flipped: boolean;
}

/** Where a point of the image is drawn, and how large things are there. */
export interface Spot {
  /** CSS pixels from the pane's top left. */
  readonly to: Point;
  /** Of one CSS pixel; null where the image has no scale. */
  readonly mmPerPixel: number | null;
  readonly source: Spacing['source'];
}

/** How an image is to be shown; what is null stays as it is. */
export interface ShownAs {
  readonly window: GreyWindow | null;
  readonly inverse: boolean;
  /** Degrees clockwise, before mirroring. */
  readonly rotation: number;
  readonly flip: boolean;
  /** Two corners in image space of what is to fill the pane. */
  readonly area: readonly Point[] | null;
}

/** What commands can do to one pane, without knowing what draws it. */
export interface PaneControl {
  scroll(by: number): void;
  goTo(index: number): void;
  window(to: GreyWindow | null): void;
  invert(): void;
  rotate(): void;
  flip(): void;
  zoom(factor: number): void;
  reset(): void;
  /** Null where the pane has no such thing. */
  look(): Look | null;
  setLook(look: Look): void;
  /** Where a point (image space) is now; null where the pane cannot say. */
  spot(at: Point): Spot | null;
  /** Moves the image so that a point is drawn there, that large if both have a scale. */
  setSpot(at: Point, spot: Spot): void;
  /** Shows the image as a presentation state says. */
  present(as: ShownAs): void;
  /** Asks again for what could not be shown. */
  reload(): void;
}

export function registerPane(pane: number, control: PaneControl): () => void {
  useViews.setState(({ controls }) => ({ controls: { ...controls, [pane]: control } }));
  return () => {
    if (paneControl(pane) !== control) return;
    useViews.setState(({ controls: { [pane]: _gone, ...controls } }) => ({ controls }));
  };
}

export function paneControl(pane: number): PaneControl | null {
  return useViews.getState().controls[pane] ?? null;
}
