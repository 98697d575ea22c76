import { create } from 'zustand';
import type { LesionPair } from '@/domain/lesions';

/** What the room's display controls show, besides what hangs. */
interface DisplayState {
  /** The little table of grids is open. */
  readonly gridPicker: boolean;
  /** The earlier study is to be compared as soon as it is known what it holds. */
  readonly compare: boolean;
  /** The lesion whose two places are to be shown as soon as both series are known. */
  readonly pair: LesionPair | null;
  /** Key of the lesion that was shown so last. */
  readonly pairShown: string | null;
  /** Overlays of the image itself are drawn. */
  readonly overlays: boolean;
  /** The upper corners say which series and image it is. */
  readonly labels: boolean;
  /** The series in three planes is drawn as a body instead. */
  readonly solid: boolean;
  /** In words, why something just asked for was not done. */
  readonly refusal: string | null;
}

export const useDisplay = create<DisplayState>(() => ({
  gridPicker: false,
  compare: false,
  pair: null,
  pairShown: null,
  overlays: true,
  labels: true,
  solid: false,
  refusal: null,
}));
export const getDisplay = useDisplay.getState;
export const setDisplay = useDisplay.setState;

/** Asks for a lesion's places on both studies, side by side. */
export function showPair(pair: LesionPair): void {
  setDisplay({ pair, pairShown: pair.key });
}
