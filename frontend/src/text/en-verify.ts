/** The words of preliminary readings and of their verification. */
export const verifying = {
  preliminary: 'Preliminary, awaiting verification',
  sentBack: 'Preliminary, sent back',
  verified: (by: string, at: string) => `Verified by ${by}, ${at}`,
  signed: (by: string, at: string) =>
    `Signed by ${by}, ${at}; nobody has verified it yet.`,
  detail: 'Read it beside the images. Verified, it is final in your name.',
  waits: 'It is final once somebody who verifies readings here has looked at it.',
  verify: 'Verify',
  amend: 'Amend and verify…',
  amendOwn: 'Amend…',
  sendBack: 'Send back…',
  failed: 'Not done',
  done: (patient: string) => `Verified: the reading of ${patient} is final.`,
  gone: (patient: string) => `Sent back: the reading of ${patient}.`,
  dialog: {
    title: 'Send this reading back?',
    detail: (by: string) =>
      `${by} is told, looks at it again and signs an amendment, which waits for verification again. Until then the reading stays preliminary.`,
    reason: 'What to look at again',
    submit: 'Send back',
  },
  beforeSigning: 'Your reading is preliminary until an attending verifies it.',
  list: {
    reason: (by: string, reason: string) => `${by}: ${reason}`,
    since: (at: string) => `Since ${at}`,
    signedIt: 'signed, preliminary',
    toVerify: 'to verify',
    toAmend: 'sent back: amend it',
  },
  commands: {
    toggle: 'Readings to verify, or your queue again',
    verify: 'Verify the preliminary reading',
    amend: 'Amend the signed reading',
    sendBack: 'Send the preliminary reading back',
  },
  tiers: { resident: 'For a resident', specialist: 'For a specialist' },
  tierTitles: {
    resident:
      'The model is sure of it: a resident reads it first, an attending verifies.',
    specialist: 'The model is unsure of it: it goes to a specialist.',
  },
} as const;
