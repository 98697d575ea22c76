/** The words of the toolbar where it is narrow. */
export const toolbar = {
  more: 'More tools',
  moreTitle: 'More',
  isOn: 'on',
} as const;
