import { create } from 'zustand';

/** What moves together in the grid. */
interface LinkState {
  /** Stacks scroll to the same place in the patient. */
  readonly scroll: boolean;
  /** Zoom, pan and window are the same in all viewports. */
  readonly look: boolean;
  /** Where the active viewport's image cuts the others. */
  readonly lines: boolean;
  /**
   * mm along a series' own direction by which it is off, by UIDs `driver>follower`: set
   * when linking begins, where frames of reference differ.
   */
  readonly offsets: Readonly<Record<string, number>>;
}

export const useLinks = create<LinkState>(() => ({
  scroll: true,
  look: false,
  lines: true,
  offsets: {},
}));
export const getLinks = useLinks.getState;
export const setLinks = useLinks.setState;

export const pairOf = (driver: string, follower: string) => `${driver}>${follower}`;

export function keepOffset(driver: string, follower: string, offset: number): void {
  const offsets = {
    ...getLinks().offsets,
    [pairOf(driver, follower)]: offset,
    [pairOf(follower, driver)]: -offset,
  };
  setLinks({ offsets });
}
