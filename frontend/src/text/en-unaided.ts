import type { Agreement } from '@/domain/comparison';
import { formatClock, formatProbability } from '@/domain/format';

/** The words of an unaided read: before, at and after the commit. */
export const unaided = {
  steps: {
    unaided: 'Unaided',
    committed: 'Committed',
    revealed: 'Revealed',
    signed: 'Signed',
  },
  banner: 'Unaided reading',
  bannerDetail: (protocol: string) =>
    `AI is hidden until you commit your own read. Protocol “${protocol}” asks for this.`,
  noAi: 'Read without AI',
  noAiDetail: (protocol: string) =>
    `Protocol “${protocol}” shows no AI, before or after.`,
  time: (span: string) => `Time on this case ${span}`,
  overlayHidden: 'AI hidden until you commit',
  overlayNever: 'Read without AI',
  yourRead: 'Your read',
  locked: 'AI result hidden',
  lockedDetail:
    'Whether it found anything is hidden too. It opens after you commit. What you commit is kept as it is; what you change afterwards is kept beside it.',
  lockedNever:
    'This protocol is read without AI. Whether it found anything is hidden too.',
  commit: 'Commit my read',
  committing: 'Committing …',
  opens: 'Then AI opens',
  failed: 'Not committed. Your read is kept; try again.',
  empty: {
    title: 'Commit an empty read?',
    detail:
      'You have marked nothing and written no impression. Committed, this says: I saw nothing to report. It cannot be taken back.',
    yes: 'Commit: nothing to report',
  },
  revealed: {
    title: 'Your read against AI',
    committed: (at: string) => `committed ${formatClock(at)}`,
    show: 'Show what I committed',
    hide: 'Hide what I committed',
    nothing: 'Both hold that there is nothing to report.',
    pending: 'AI has not answered yet. You can sign without it.',
    marks: (n: number) => (n === 1 ? '1 mark' : `${n} marks`),
    noImpression: 'No impression was written.',
    noMarks: 'No marks.',
    changed: 'Changed since',
    unchanged: 'Unchanged since',
  },
  kinds: {
    both: 'Agreed',
    elsewhere: 'Other place',
    'ai-only': 'AI only',
    'reader-only': 'You only',
  } satisfies Record<Agreement['kind'], string>,
  kindDetail: {
    both: 'you marked it, AI calls it',
    elsewhere: 'you marked it elsewhere',
    'ai-only': 'not in your unaided read',
    'reader-only': 'AI does not call it',
  } satisfies Record<Agreement['kind'], string>,
  commitFirst: 'Commit your own read first',
  commandName: 'Commit my read, sign and next',
  /** What a calibrated probability means, in words. */
  meaning: (p: number) => {
    const n = Math.round(p * 100);
    if (p > 0.99) return 'Of 100 studies scored like this, nearly all have it.';
    if (p < 0.01) return 'Of 100 studies scored like this, hardly any has it.';
    return `Of 100 studies scored like this, about ${n} ${n === 1 ? 'has' : 'have'} it.`;
  },
  contour: 'Its outline is my mark',
  contourBox: 'No: the box on the image',
  /** Mutual information of an ensemble, bits, in words. */
  unsure: (u: number) => (u < 0.02 ? 'low' : u < 0.1 ? 'medium' : 'high'),
  disagree: (u: number) =>
    `The model’s networks contradict each other by ${formatProbability(u)} bit (0 not at all, 1 wholly): low below 0.02, high from 0.1`,
  specialist: 'Needs specialist review',
  specialistWhy: (limit: string) =>
    `The model’s networks contradict each other more than ${limit} bit, the limit on its card: its probability is worth less here than elsewhere.`,
  scored: (p: number) => `p ${formatProbability(p)}`,
} as const;
