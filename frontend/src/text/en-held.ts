import type { HeldAction, SideName } from '@/api/held-types';

/** The words of arrivals that could not be taken. */
export const arrivals = {
  intro:
    'Studies that are in the archive but not on any list, because the portal could not make sense of them. Each is tried again by itself; when the cause is put right, try it again at once.',
  name: 'the arrivals that failed',
  empty: 'Every study of the archive was taken.',
  first: 'First tried',
  why: 'What was wrong',
  tries: 'Tries',
  next: 'Next try',
  retry: 'Try again',
  retryLabel: (when: string) => `Try again: the arrival of ${when}`,
  due: 'being tried',
  inTime: (wait: string) => `in ${wait}`,
  failed: 'Not tried again. The study is still in the archive; ask again in a minute.',
} as const;

/** The words of work that was given up. */
export const givenUp = {
  intro:
    'Work that failed as often as it may. The study can be read without it. When the cause is put right, try it again: it starts with a clean count. “Asked for” says how often the portal asked; within one of these a worker tries three times.',
  runs: 'Model runs',
  explanations: 'Saliency maps drawn after the result',
  comparisons: 'Comparisons with earlier studies',
  interpolations: 'Filling between drawn slices',
  packs: 'Pixel packs',
  noRuns: 'No model run is given up.',
  noExplanations: 'No saliency map is given up.',
  noComparisons: 'No comparison is given up.',
  noInterpolations: 'No filling is given up.',
  noPacks: 'No pixel pack is given up.',
  when: 'Given up',
  model: 'Model',
  study: 'Study',
  site: 'Site',
  why: 'Why',
  asked: 'Asked for',
  times: (n: number) => (n === 1 ? 'once' : `${n} times`),
  revision: (n: number) => `revision ${n}`,
  retry: 'Try again',
  retryLabel: (what: string) => `Try again: ${what}`,
  retryAll: (n: number) => `Try these ${n} again`,
  retryAllLabel: (n: number, what: string) => `Try these ${n} again: ${what}`,
  asking: (done: number, of: number) => `Asking… ${done} of ${of}`,
  refused: (n: number, of: number) =>
    `${n} of ${of} could not be asked for again and ${n === 1 ? 'is' : 'are'} still here. Ask again in a minute.`,
  pack: (modality: string, uid: string) => `the pack of ${modality} ${uid}`,
  explanation: (model: string, uid: string) => `the map of ${model} on ${uid}`,
  comparison: (model: string, uid: string) => `the comparison of ${model} on ${uid}`,
  filling: (modality: string, uid: string) => `the filling on ${modality} ${uid}`,
  run: (model: string, uid: string) => `${model} on ${uid}`,
  askedAgain: 'Asked for again. It comes back to this list if it fails again.',
  failed: 'Not tried again. Nothing was changed; read the list again, then ask again.',
  more: 'Older ones',
  slots: { live: '', shadow: 'shadow', challenger: 'challenger' } as Readonly<
    Record<string, string>
  >,
} as const;

/** The words of both sides of what is held, and of what is decided. */
export const held = {
  kinds: {
    unknown_site: 'No site known',
    other_patient: 'Another patient',
    conflict: 'Other content, same UIDs',
  },
  accepting: 'being put in place',
  compare: 'Compare…',
  look: 'Look…',
  open: (action: string, uid: string) => `${action} ${uid}`,
  back: 'Back to the list',
  name: 'both sides',
  sides: {
    there: 'What is there',
    arrived: 'What arrived',
  } satisfies Record<SideName, string>,
  nothingThere: 'Nothing is there under these UIDs.',
  unreadable: 'It has no header that can be read.',
  noPictures: 'It has no image.',
  pictureFailed: 'No picture can be drawn of this object.',
  picture: (side: string, n: number) => `${side}, image ${n}`,
  fields: {
    patient_name: 'Patient',
    patient_id: 'Patient ID',
    birth_date: 'Born',
    sex: 'Sex',
    study_date: 'Study date',
    study_description: 'Study',
    series_description: 'Series',
    accession_number: 'Accession number',
    modality: 'Modality',
    station: 'Station',
    size: 'Image size',
  },
  field: 'What it says',
  differsMark: 'differs',
  empty: '–',
  pictures: 'Pictures',
  files: 'What differs, file by file',
  filesOnly: 'Files',
  only: {
    there: 'only in what is there',
    arrived: 'only in what arrived',
  } satisfies Record<SideName, string>,
  vias: {
    dicom: 'C-STORE',
    upload: 'the browser',
    command: 'the command line',
    stow: 'DICOMweb',
    watch: 'a watched folder',
  } as Readonly<Record<string, string>>,
  notStated: 'not stated',
  file: 'SOP Instance UID',
  via: 'Came by',
  bytes: 'Size',
  attributes: 'Attributes that differ',
  pixels: 'Pixels',
  samePixels: 'the same',
  otherPixels: 'differ',
  cannotSay: 'cannot be said',
  noDifference: 'none',
  compared: (shown: string, all: string) => `${shown} of ${all} files are compared.`,
  actions: {
    assign: 'Release to a site…',
    keep: 'Keep what is there…',
    accept: 'Accept what arrived…',
  } satisfies Record<HeldAction, string>,
  noActions:
    'Nothing to decide here: it was decided, or one side belongs to a site whose quarantine you do not manage. Ask an administrator of both sites.',
  noStudy:
    'Nothing of it is on a list yet, so there is nothing to compare it with. It takes its place in the list when its site is known.',
  decisions: {
    keep: {
      title: 'Keep what is there',
      warning: 'What arrived is turned down.',
      detail:
        'The study stays as it is. What arrived is kept aside, is not shown to readers, and is not asked about when the same file comes again.',
      submit: 'Keep what is there',
    },
    accept: {
      title: 'Accept what arrived',
      warning: 'This makes a new revision of the study.',
      detail:
        'What arrived takes the place of what is there, for every reader, at once. The study goes back to the worklist as a new revision and is analysed anew. What was read before stays tied to the older revision, which is kept.',
      submit: 'Accept: make a new revision',
    },
  },
  reasonHint: 'What you compared, and why this side counts',
  confirm: 'I compared both sides.',
  lacksReason: 'Give a reason first',
  lacksSite: 'Choose the site first',
  lacksCompared: 'Confirm the comparison first',
  notDecided: 'Not decided.',
  decidedBefore:
    'Someone decided this meanwhile. Close this and read the list again to see what became of it.',
} as const;
