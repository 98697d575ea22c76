import type { NoMap } from '@/domain/findings';

/** The words of maps that are drawn after the result. */
export const explained = {
  /** Why there is no map, of a finding that its model can explain. */
  why: (no: NoMap) => {
    if (no.kind === 'coming')
      return 'Saliency map on its way: it appears here by itself.';
    if (no.kind === 'nothing')
      return 'No saliency map: no part of the image by itself speaks for it.';
    return `No saliency map: ${no.reason}${/[.!?]$/.test(no.reason) ? '' : '.'}`;
  },
} as const;
