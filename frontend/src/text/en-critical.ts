/** The words of critical results: whom they were told, and until then the reminder. */
export const critical = {
  nav: (open: number) => (open > 0 ? `Critical (${open})` : 'Critical'),
  title: 'Critical results',
  intro:
    'Critical findings that were signed. Each stays open, with a reminder, until it is recorded who was told of it, or why nobody was.',
  open: 'Not yet told',
  closed: 'Told',
  empty: 'Every critical result has been told to somebody.',
  emptyClosed: 'No critical result has been closed.',
  heads: {
    finding: 'Finding',
    patient: 'Patient',
    study: 'Study',
    reader: 'Signed by',
    since: 'Waiting',
    reminders: 'Reminders',
    told: 'Who was told',
    how: 'How and when',
    back: 'Read back',
    by: 'Recorded by',
  },
  /** After a finding that is marked more than once. */
  places: (n: number) => `${n} places`,
  yes: 'Yes',
  no: 'No',
  nobody: 'Nobody',
  record: 'Record…',
  recordLabel: (label: string, patient: string) =>
    `Record who was told of ${label}, ${patient}`,
  reminder: (n: number, first: string, patient: string, wait: string) =>
    n === 1
      ? `${first} (${patient}) has not been told to anybody for ${wait}.`
      : `${n} critical results have not been told to anybody; the oldest is ${first} (${patient}), for ${wait}.`,
  later: 'Remind me again',
  list: 'Open list',
  here: (label: string, wait: string) =>
    `Critical result not yet told: ${label}, for ${wait}.`,
  signTitle: 'Who was told?',
  signIntro: (n: number) =>
    n === 1
      ? 'Your reading has a critical finding.'
      : `Your reading has ${n} critical findings.`,
  ways: {
    told: 'Somebody was told',
    why: 'Nobody, because …',
    open: 'Not yet, remind me',
  },
  toldTo: 'Who was told',
  toldToHint: 'Name or function, no initials',
  toldRole: 'Role (optional)',
  how: 'How',
  toldAt: 'When',
  readBack: 'Read back',
  whyNot: 'Why nobody was told',
  words: 'In words',
  sign: 'Sign',
  signOpen: 'Sign and remind me',
  closeTitle: (label: string) => `${label}: who was told?`,
  submit: 'Record',
  incomplete: 'Say who, how, when and whether it was read back',
  incompleteWhy: 'Choose a reason',
  chooseWay: (label: string) => `Choose for ${label}`,
  failed: 'Not recorded.',
  loading: 'Reading the choices …',
} as const;
