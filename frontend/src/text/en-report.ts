/** The words of the written report. */
export const report = {
  command: 'Write the report',
  open: 'Report…',
  none: 'No report drafted yet.',
  drafted: (name: string, edited: number) =>
    edited === 0
      ? `${name}: drafted from your answers`
      : `${name}: ${edited} ${edited === 1 ? 'section' : 'sections'} in your words`,
  title: 'Report',
  by: (name: string) => `Template: ${name}`,
  intro:
    'Drafted from your answers and marks. What you change stays as you wrote it; the rest follows your answers until you sign.',
  required: 'required',
  edited: 'your words',
  again: 'Renew from answers',
  impression: 'Impression',
  codes: 'Coded',
  absent: (display: string) => `no ${display}`,
  quoted: 'AI-generated, requires review',
  earlier: 'Earlier reports',
  noEarlier: 'No earlier report of this patient is here.',
  signed: (by: string, day: string) => `Signed by ${by}, ${day}`,
  copy: 'Copy',
  copyLabel: (title: string, study: string) => `Copy into the report: ${title}, ${study}`,
  loading: 'Drafting …',
  failed: 'The report could not be drafted.',
  earlierFailed: 'Earlier reports could not be read.',
  close: 'Done',
} as const;
