import type { SlotMethod, SlotOutput, TruthKind } from '@/api/slot-endpoints';

const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** Words of the pages about slots. */
export const slots = {
  tab: 'Slots',
  intro:
    'What the site uses its models for, and how their scores are read. Runs keep raw scores; every change is a new version with a reason, and what nobody has begun to read is read anew by it.',
  site: 'Site',
  table: 'Slots of the site',
  task: 'Slot',
  kind: 'As',
  model: 'Model',
  version: 'Version',
  state: 'State',
  outputs: 'Positive from',
  kinds: { live: 'Live', shadow: 'Shadow', challenger: 'Challenger' },
  kindHints: {
    live: 'Shown to readers; ranks the list.',
    shadow: 'Runs and is recorded; is never shown and ranks nothing.',
    challenger: 'Runs beside the live one, to be compared; is never shown.',
  },
  uses: {
    triage: 'Triage: shows no marks before a study is opened',
    detection: 'Detection: may show marks',
    segmentation: 'Segmentation: may show outlines',
  },
  number: (n: number) => `Version ${n}`,
  settled: 'The open list follows it',
  settling: 'The open list is being read anew',
  ended: 'Ended',
  open: 'Open',
  openLabel: (task: string, kind: string) => `Open ${task}, ${kind}`,
  back: 'All slots',
  empty: 'This site uses no model. Put one to use under Models.',
  sections: {
    threshold: 'Threshold',
    calibration: 'Calibration',
    routing: 'Routing',
    comparison: 'Beside the live one',
    versions: 'Versions',
  },
  section: 'Part of the slot',
  finding: 'Finding',
  reason: 'Reason',
  reasonHint: 'Stands in the audit log, and on the list for what is read anew',
  failed: 'Not changed',
  saved: (n: number) => `Version ${n} holds. The open list follows within seconds.`,
  readOnly: 'Only who manages models changes a slot.',
  promote: 'Promote…',
  promoteTitle: (model: string) => `Make ${model} live?`,
  promoteDetail:
    'It is shown to readers and ranks the list, with its own thresholds and calibration. What is live in this slot now ends; you can go back to it under Versions.',
  promoteSubmit: 'Make it live',
  off: 'Switch off…',
  offTitle: (task: string, kind: string) => `Switch off ${task}, ${kind}?`,
  offDetail:
    'New studies are not given to it, and what nobody has begun to read is ranked as if it had said nothing. What it said stays on record.',
  offSubmit: 'Switch it off',
  backTitle: (n: number) => `Go back to version ${n}?`,
  backDetail:
    'Model, thresholds, calibration and routing of that version hold again, as a new version.',
  backSubmit: 'Go back to it',
  goBack: 'Go back…',
  goBackLabel: (n: number) => `Go back to version ${n}`,
  versionsTable: 'Versions of the slot',
  made: 'Made',
  by: (name: string | null) => name ?? 'the portal',
  holds: 'Holds',
} as const;

export const acuities = {
  critical: 'Critical: STAT',
  urgent: 'Urgent: PRIORITY',
  routine: 'Routine: no band',
} satisfies Record<SlotOutput['acuity'], string>;

export const threshold = {
  intro:
    'What another threshold would have done, from the scores that are stored. Nothing changes until you let it hold.',
  slider: 'Threshold',
  acuity: 'A positive is',
  truth: 'Truth',
  truths: {
    unaided: 'Signed unaided readings',
    final: 'All signed readings',
  } satisfies Record<TruthKind, string>,
  truthWords: {
    unaided:
      'Their readers had not seen what AI says of the study. What a reader coded (mark, segment, report code) is there. It is absent where the reader said so, or was asked for it by the protocol and marked nothing. Free text is not read.',
    final:
      'Most of these readers had seen what the model says, so sensitivity and specificity lean towards the model. Verdicts count; what was neither answered nor coded is absent only where the protocol asks for it.',
  } satisfies Record<TruthKind, string>,
  counts: (n: number, present: number, readers: number) =>
    `${n} studies, ${present} with the finding, by ${readers} ${readers === 1 ? 'reader' : 'readers'}`,
  disagreed: (n: number) => `${n} more left out: as many readers say yes as no`,
  unasked: (n: number) =>
    `${n} more left out: their readers were not asked for it and did not answer`,
  figures: 'What the thresholds do',
  figure: 'Figure',
  now: (p: string) => `Now, at ${p}`,
  asked: (p: string) => `At ${p}`,
  names: {
    alerts_per_day: 'Alerts a day',
    sensitivity: 'Sensitivity',
    specificity: 'Specificity',
    ppv: 'Positive predictive value',
    npv: 'Negative predictive value',
  },
  definitions: {
    alerts_per_day: 'studies at or above it',
    sensitivity: 'of those with the finding, at or above it',
    specificity: 'of those without, below it',
    ppv: 'of those at or above it, with the finding',
    npv: 'of those below it, without',
  },
  insufficient: (n: number, least: number) =>
    `insufficient data (n ${n}, at least ${least})`,
  change: (more: number) =>
    more === 0
      ? 'As many alerts a day as now.'
      : `${more > 0 ? '+' : '−'}${Math.abs(more).toFixed(Math.abs(more) < 10 ? 2 : 1)} alerts a day.`,
  scored: (n: number, days: number) =>
    `${n} studies scored at this site; alerts counted over ${days.toFixed(0)} ${days < 1.5 ? 'day' : 'days'}.`,
  packageOnly: (model: string, hash: string) =>
    `Scores of ${model} alone (package ${hash.slice(0, 12)}).`,
  others: (names: string) =>
    `Not counted, because another package’s scores say nothing of this one’s: ${names}.`,
  other: (model: string, n: number) => `${model}, ${n} studies`,
  none: 'The model has scored nothing at this site yet. As a shadow it can collect scores without being shown.',
  noTruth: (n: number, least: number) =>
    `There are ${n} such readings of scored studies. Sensitivity and specificity are told from ${least} with the finding and ${least} without.`,
  distribution: 'Scores at this site',
  distributionLabel: (n: number, p: string) =>
    `Distribution of ${n} scores from 0 to 1, with the threshold at ${p}`,
  legend: { present: 'with the finding', absent: 'without', unknown: 'not judged' },
  binLabel: (from: string, to: string, present: number, absent: number, rest: number) =>
    `${from} to ${to}: ${present} with the finding, ${absent} without, ${rest} not judged`,
  most: (n: number) => `tallest bar: ${n} studies`,
  submit: (p: string) => `Let ${p} hold`,
  same: 'This threshold holds already.',
} as const;

export const calibration = {
  intro:
    'Makes the probabilities mean what they say at this site. It is fitted to signed unaided readings only: a reader who saw the score must not calibrate it.',
  method: 'Method',
  methods: {
    package: 'As the package says',
    temperature: 'Temperature',
    platt: 'Platt',
    isotonic: 'Isotonic',
  } satisfies Record<SlotMethod, string>,
  hints: {
    temperature: 'one number: too sure or not sure enough',
    platt: 'two numbers: also too high or too low throughout',
    isotonic: 'any rising curve; needs most readings',
  },
  holding: (method: string) => `Now: ${method}.`,
  refused: 'Too few readings',
  figures: 'Before and after',
  before: 'Before',
  after: 'After, on patients that the fit has not seen',
  ece: 'Expected calibration error',
  brier: 'Brier score',
  n: 'Studies',
  bin: (stated: string, observed: string, n: number) =>
    `stated ${stated}, observed ${observed}, ${n} ${n === 1 ? 'study' : 'studies'}`,
  sizes: 'A point is the larger, the more studies it stands for.',
  chart: 'Reliability',
  chartLabel: (before: string, after: string) =>
    `Reliability curves: calibration error ${before} before and ${after} after`,
  axes: { stated: 'Stated probability', observed: 'Observed share' },
  carried: (from: string, to: string) =>
    `The threshold moves from ${from} to ${to}, so that the same studies stay flagged.`,
  submit: 'Let it hold',
  undo: 'Back to the package’s',
} as const;

export const comparison = {
  intro:
    'This model beside what is live in the slot: the studies that both have scored, each model at its own threshold, judged by the same signed readings.',
  isLive:
    'This is the live one. Open the challenger or shadow of this slot to compare it.',
  figures: 'What the two do on the same studies',
  side: (kind: string, model: string) => `${kind}: ${model}`,
  at: (p: string) => `at ${p}`,
  names: {
    alerts_per_day: 'Alerts a day',
    sensitivity: 'Sensitivity',
    specificity: 'Specificity',
    auroc: 'AUROC',
  },
  definitions: {
    alerts_per_day: 'of the common studies, at or above its threshold',
    sensitivity: 'of those with the finding, at or above it',
    specificity: 'of those without, below it',
    auroc: 'by raw scores, the newest study of each patient',
  },
  few: 'Not enough readings to compare',
  difference: (value: string, limits: string) =>
    `AUROC of this one less that of the live one: ${value} ${limits}`,
  delong: (p: string, n: number, present: number) =>
    `DeLong, paired, ${p}; ${n} patients, ${present} with the finding.`,
  mcnemar: {
    sensitivity: (n: number, live: number, other: number, kind: string) =>
      `Of ${n} with the finding, ${live} are flagged by the live one alone and ${other} by the ${kind} alone.`,
    specificity: (n: number, live: number, other: number, kind: string) =>
      `Of ${n} without, ${live} are left alone by the live one alone and ${other} by the ${kind} alone.`,
  },
  exact: (p: string) => `McNemar, exact, ${p}.`,
  both: (n: number) => `${n} ${n === 1 ? 'study' : 'studies'} scored by both.`,
  none: 'No study has been scored by both models yet.',
  agree: 'Both flag the same of the studies that readers judge.',
  discordant: (n: number, listed: number) =>
    n === listed
      ? `${n} judged ${n === 1 ? 'study' : 'studies'} on which they differ`
      : `${n} judged studies on which they differ, ${listed} listed`,
  discordantTable: 'Studies on which the models differ',
  study: 'Study',
  scoredAt: 'Scored at',
  readers: 'Readers say',
  right: 'Right is',
  present: 'there',
  absent: 'not there',
} as const;

export const routing = {
  intro:
    'Which studies this slot is given, beyond what the model’s card takes. A rule narrows, it never widens. Try it on the last days before you let it hold.',
  modalities: 'Modalities',
  bodyParts: 'Body parts',
  views: 'Views',
  has: 'Described with one of',
  lacks: 'Described with none of',
  ageMin: 'From age, years',
  ageMax: 'To age, years',
  hourFrom: 'Arrived from, hour',
  hourTo: 'to, hour',
  hourHint: 'Portal’s local time; over midnight too',
  addHint: 'Type and press Enter',
  try: 'Try on history',
  notTried: 'Not tried',
  submit: 'Let the rule hold',
  outcome: (day: string, low: string, high: string) =>
    `It would have fired ${day} times a day [${low}–${high}].`,
  counts: (fired: number, fits: number, arrived: number, days: number, now: number) =>
    `${fired} of ${fits} studies that the model takes, of ${arrived} that arrived in ${days.toFixed(0)} ${days < 1.5 ? 'day' : 'days'}. The rule that holds: ${now}.`,
  none: 'Nothing arrived in the last 28 days.',
  days: 'By day',
  day: 'Day',
  arrived: 'Arrived',
  fired: 'Would have fired',
  examples: 'Examples',
  study: 'Study',
  modality: 'Modality',
  at: 'Arrived at',
  outcomeHead: 'Outcome',
  sent: 'would have been sent',
  tiers: {
    title: 'Who reads it',
    intro:
      'By how sure the model is of a study. Nothing waits for a resident or a specialist that is STAT, past its deadline, or where the site has none. Under a protocol that hides AI from readers this rule is silent: the way of a study would tell what the model saw. What a resident signs is preliminary until verified, with or without a rule.',
    resident: 'A resident first, where the model is sure; an attending verifies',
    specialist: 'Straight to a specialist, where the model is unsure',
    unsure_from: 'Unsure also from probability',
    unsure_to: 'to probability',
    unsureHint: 'Besides the limit that the model’s card states; empty for that alone',
    table: 'For whom the studies would have been',
    whom: 'For',
    studies: 'Studies',
    names: {
      resident: 'A resident first',
      specialist: 'A specialist',
      anybody: 'Anybody',
      unscored: 'Not known: this model has no result',
    },
  },
} as const;

/** `0.942 [0.902–0.967]`, or percent where asked. */
export function interval(value: number, low: number, high: number, digits = 2): string {
  return `${value.toFixed(digits)} [${low.toFixed(digits)}–${high.toFixed(digits)}]`;
}

export { percent };
