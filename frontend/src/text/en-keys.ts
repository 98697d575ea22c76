/** The words of changing one's own keys. */
export const ownKeys = {
  note: 'Choose a key to change it. Changed keys are yours on every computer.',
  press: (name: string) => `${name}: press the new key. Esc leaves it as it is.`,
  clash: (key: string, holder: string, name: string) =>
    `${key} is the key of “${holder}”. Press ${key} again to take it for “${name}”, or another key.`,
  refused: (key: string) => `${key} belongs to the browser. Press another key.`,
  change: (name: string, keys: string) =>
    keys === '' ? `${name}: no key, choose one` : `${name}: ${keys}, change`,
  waiting: 'Press a key …',
  none: 'no key',
  reset: 'Reset',
  resetOne: (name: string) => `Reset the key of ${name}`,
  resetAll: 'Reset all keys of this screen',
  unsaved:
    'The change is not saved: the portal does not answer. It holds until the page is closed.',
};
