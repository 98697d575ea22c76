import { create } from 'zustand';

/** What the room's display controls show, besides what hangs. */
interface DisplayState {
  /** The little table of grids is open. */
  readonly gridPicker: boolean;
  /** The earlier study is to be compared as soon as it is known what it holds. */
  readonly compare: boolean;
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
  overlays: true,
  labels: true,
  solid: false,
  refusal: null,
}));
export const getDisplay = useDisplay.getState;
export const setDisplay = useDisplay.setState;
