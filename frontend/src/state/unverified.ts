import { create } from 'zustand';

/** Whether the worklist's place shows the preliminary readings that wait. */
export const useUnverifiedShown = create<{ readonly shown: boolean }>(() => ({
  shown: false,
}));

export function toggleUnverifiedShown(): void {
  useUnverifiedShown.setState(({ shown }) => ({ shown: !shown }));
}
