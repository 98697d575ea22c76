import { create } from 'zustand';

/** Whether the report is on the screen. */
export const useReport = create<{ readonly opened: boolean }>(() => ({ opened: false }));

export function openReport(): void {
  useReport.setState({ opened: true });
}

export function closeReport(): void {
  useReport.setState({ opened: false });
}
