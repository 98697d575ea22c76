import type { TokenScope } from '@/api/token-endpoints';

/** The words of a person's own API tokens. */
export const tokens = {
  title: 'My API tokens',
  intro:
    'A token lets a program use the DICOMweb address of this portal in your name: at most with your own rights, until it expires or you revoke it. It opens nothing else, and what it does is recorded as done by you.',
  address: 'DICOMweb address',
  list: 'My tokens',
  name: 'Name',
  nameHint: 'Which program, on which machine',
  scopesLabel: 'May',
  scopes: {
    read: 'Read: search and fetch studies',
    store: 'Store: send studies',
  } satisfies Record<TokenScope, string>,
  scopeWords: { read: 'read', store: 'store' } satisfies Record<TokenScope, string>,
  days: 'Expires after',
  daysOf: (n: number) => (n === 365 ? '1 year' : `${n} days`),
  make: 'Make a token',
  nothing:
    'Your roles neither read nor send studies, so a token of yours could do nothing. Ask an administrator for the role.',
  needName: 'Name it first',
  needScope: 'Choose what it may do',
  making: 'Making it …',
  made: (name: string) => `The token “${name}” is made. Copy it now.`,
  madeDetail:
    'It is shown this once: the portal keeps only a fingerprint of it. Keep it as you keep a password.',
  secret: 'Token',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Not copied: the browser does not allow it. Select the token and copy it.',
  put: 'I have kept it',
  notMade: 'No token was made.',
  made_at: 'Made',
  expires: 'Expires',
  used: 'Last used',
  never: 'never',
  ago: (time: string) => `${time} ago`,
  begins: (hint: string) => `begins ${hint}…`,
  empty: 'You have no token. Programs cannot use the portal in your name.',
  revoke: 'Revoke…',
  revokeLabel: (name: string) => `Revoke ${name}`,
  revokeTitle: (name: string) => `Revoke “${name}”?`,
  revokeDetail:
    'Whatever uses it is refused from now on. It cannot be brought back; make a new one instead.',
  submit: 'Revoke',
  notRevoked: 'Not revoked: the token still works. Try again.',
} as const;
