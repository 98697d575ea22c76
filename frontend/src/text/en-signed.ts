/** The words of signed readings and of their amendments. */
export const signed = {
  nav: 'Signed',
  title: 'Signed readings',
  intro:
    'What was signed, newest first. A signed reading never changes: an amendment is a new version that names the one before, and both stay readable.',
  list: 'Signed readings',
  whose: 'Whose',
  mine: 'Mine',
  all: 'Everybody’s',
  search: 'Patient, ID, accession or study',
  heads: {
    at: 'Signed',
    patient: 'Patient',
    study: 'Study',
    by: 'By',
    version: 'Version',
  },
  empty: 'Nothing that you may see was signed yet.',
  emptyMine: 'You have signed nothing yet.',
  emptyFound: (words: string) => `No signed reading matches “${words}”.`,
  more: 'Show older ones',
  version: (edition: number) =>
    edition > 1 ? `Amended, version ${edition}` : 'Version 1',
  superseded: (edition: number) => `Version ${edition}, superseded`,
  because: (reason: string, words: string) => (words ? `${reason}: ${words}` : reason),
  amend: 'Amend…',
  amendLabel: (patient: string, study: string) =>
    `Amend the reading of ${patient}, ${study}`,
  amending: (name: string) => `${name} is amending it`,
  dialog: {
    title: (patient: string) => `Amend the signed reading: ${patient}`,
    detail:
      'The signed version stays as it is. You change a copy of it; when you sign that, it takes the place of the signed one and says why.',
    words: 'In words',
    failed: 'Not begun',
    submit: 'Amend',
  },
  room: {
    title: (edition: number) => `You are amending version ${edition}`,
    detail: (by: string, at: string, why: string) =>
      `Signed by ${by}, ${at}. Reason: ${why.replace(/\.$/, '')}. Signing makes the next version; until then the signed one holds.`,
    sign: 'Sign the amendment',
  },
  report: {
    text: 'Text',
    pdf: 'PDF',
    copy: 'Copy text',
    copied: 'Copied',
    failed: 'Not copied',
    label: (form: string, version: string, patient: string) =>
      `${form} of the report, ${version}, ${patient}`,
    draft: 'Take out as a draft',
    draftHint: 'Marked as not signed.',
    unsaved: 'Not taken: your last words are not saved yet.',
  },
  done: (patient: string, edition: number) =>
    `Amended: ${patient}, version ${edition} is signed.`,
} as const;
