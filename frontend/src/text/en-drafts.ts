/** The words of drafts: two windows, a network away, leaving with unsaved work. */
export const drafts = {
  compare: 'Compare both',
  title: 'Two versions of this reading',
  detail:
    'This reading was also saved from another window. What only one of them has is kept; choose where they differ. Nothing is lost until you decide.',
  mine: 'Here',
  theirs: 'Saved elsewhere',
  nothing: 'nothing',
  impression: 'Impression',
  answer: 'Answer to AI',
  pacs: 'Answer to an object from PACS',
  merge: 'Keep the chosen',
  chooseFirst: (n: number) => `Choose ${n} more`,
  leave: {
    title: 'Not everything is saved',
    detail:
      'The portal does not have your last changes yet. Leave, and they stay in this browser: they are sent when the connection is back, and are here when you open the study again.',
    stay: 'Stay',
    go: 'Leave, keep them here',
  },
  late: (n: number) =>
    n === 1
      ? 'Work on one study that could not be saved has been sent.'
      : `Work on ${n} studies that could not be saved has been sent.`,
} as const;
