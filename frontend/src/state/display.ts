import { create } from 'zustand';

/** What the room's display controls show, besides what hangs. */
interface DisplayState {
  /** The little table of grids is open. */
  readonly gridPicker: boolean;
  /** The earlier study is to be compared as soon as it is known what it holds. */
  readonly compare: boolean;
}

export const useDisplay = create<DisplayState>(() => ({
  gridPicker: false,
  compare: false,
}));
export const getDisplay = useDisplay.getState;
export const setDisplay = useDisplay.setState;
