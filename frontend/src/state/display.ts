import { create } from 'zustand';

/** What the room's display controls show, besides what hangs. */
interface DisplayState {
  /** The little table of grids is open. */
  readonly gridPicker: boolean;
}

export const useDisplay = create<DisplayState>(() => ({ gridPicker: false }));
export const getDisplay = useDisplay.getState;
export const setDisplay = useDisplay.setState;
