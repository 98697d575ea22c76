import type { DisplayMode } from '@/domain/model';

/** The words of the page that says when readers see AI. */
export const protocols = {
  tab: 'Protocols',
  intro:
    'When readers see AI, and what they are asked for, by site and modality. A change makes a new version: it holds for studies that arrive from now on; what is on the list is read as it came. Where AI is hidden it does not order the list either.',
  site: 'Site',
  modality: 'Modality',
  modalityHint: 'CT, DX, …; empty for the rest',
  rest: 'the rest',
  mode: 'AI is shown',
  asks: 'Readers are asked for',
  asksHint: 'A signed reading that does not mark one of these says that it is absent',
  asksNothing: 'nothing in particular',
  version: 'Version',
  reason: 'Reason',
  set: 'Set from now on',
  retire: 'Remove',
  retireLabel: (modality: string, site: string) =>
    `Remove the rule for ${modality}, ${site}`,
  retireTitle: (modality: string) => `Remove the rule for ${modality}?`,
  retireDetail: (site: string) =>
    `New studies of this modality at ${site} are then read as the rest. What is on the list stays as it came.`,
  failed: 'Not changed',
  empty: 'You manage no site.',
  modes: {
    concurrent: 'At once, beside the images',
    after_commit: 'After the reader’s own read is committed',
    none: 'Never',
  } satisfies Record<DisplayMode, string>,
} as const;
