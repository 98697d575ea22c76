/** The words where somebody comes to a page that is not for their roles. */
export const notYours = {
  title: (name: string) => `${name}: not for your role`,
  whose: (roles: readonly string[]) => `This page is for ${list(roles)}.`,
  you: (who: string, roles: readonly string[]) =>
    roles.length === 0
      ? `You are logged in as ${who}, without a role at any site.`
      : `You are logged in as ${who}: ${roles.join('; ')}.`,
  what: 'Nothing went wrong, and nothing was changed. If you should have this page, ask an administrator for the role.',
  roleAt: (role: string, site: string) => `${role} at ${site}`,
  pages: {
    read: 'Reading room',
    import: 'Import',
    signed: 'Signed readings',
    critical: 'Critical results',
    discussion: 'Discussion',
    admin: 'Admin',
  },
  back: {
    '/': 'To the worklist',
    '/admin': 'To Admin',
    '/import': 'To Import',
  },
  /** The roles, as whom a page is for. */
  roles: {
    radiologist: 'radiologists',
    resident: 'residents',
    specialist: 'specialists',
    annotator: 'annotators',
    clinical_lead: 'clinical leads',
    admin: 'administrators',
  } as Readonly<Record<string, string>>,
} as const;

function list(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
