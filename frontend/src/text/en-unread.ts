/** The words of what came and is in no study: not readable, or refused. */
export const unread = {
  title: 'Kept, and not readable',
  intro:
    'Files that came under UIDs which were taken, and that nobody can read. They lie in the state folder, under held/arrivals, until an administrator of the server removes them.',
  name: 'the files that cannot be read',
  when: 'Arrived',
  why: 'What was wrong',
  size: 'Size',
  file: 'File',
} as const;

export const refused = {
  title: 'Refused at the door',
  intro:
    'What modalities sent in the last 30 days and the check at the archive’s door refused: the senders were told at once, nothing of it was kept. Objects that name no study, series or image the archive refuses by itself; those are in its log alone.',
  name: 'what the archive refused',
  empty: 'Nothing was refused.',
  last: 'Last',
  sender: 'Sender',
  unnamed: 'gave no name',
  why: 'Why',
  n: 'Objects',
  first: 'First',
} as const;
