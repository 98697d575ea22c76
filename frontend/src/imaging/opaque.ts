import { getOrCreateCanvas } from '@cornerstonejs/core';

/**
 * Makes a pane's canvas one that nothing shines through: what lies behind it is then not
 * drawn, and it is not blended with that at every frame. The first who asks for the
 * canvas's context decides it, so this comes before Cornerstone's `enableElement`.
 */
export function makeOpaque(element: HTMLDivElement): void {
  getOrCreateCanvas(element).getContext('2d', { alpha: false });
}
