/** Words of a study that is looked at and not read. */
export const looking = {
  only: 'You are only looking',
  signed: (by: string, at: string) => `Signed by ${by}, ${at}`,
  signedDetail:
    'You are looking at it; nothing here can be changed. To change it, amend it.',
  read: (by: string) => `${by} is reading this study`,
  readDetail: 'You see the images, not the draft. Nothing here can be changed.',
  somebody: 'Somebody',
  look: 'Only look at it',
  open: 'Look',
  openLabel: (patient: string, study: string) => `Look at ${patient}, ${study}`,
};
