/** Strokes by command id, of the commands whose keys a person changed. */
export type OwnKeys = Readonly<Record<string, readonly string[]>>;

/** The part of a command that keys are about. */
export interface Keyed {
  readonly id: string;
  readonly keys: readonly string[];
}

/** The commands with the person's keys in place of ours. */
export function withOwnKeys<One extends Keyed>(
  commands: readonly One[],
  own: OwnKeys,
): readonly One[] {
  if (Object.keys(own).length === 0) return commands;
  return commands.map((one) => {
    const keys = own[one.id];
    return keys ? { ...one, keys } : one;
  });
}

/**
 * Strokes that a browser or a page needs for itself. Who has Tab as a key of ours gets
 * it back by a reset; another command with it would end the way through the page.
 */
const TAKEN = new Set([
  ...['F5', 'F11', 'F12', 'Ctrl+r', 'Ctrl+c', 'Ctrl+v', 'Ctrl+x'],
  ...['Tab', 'Shift+Tab'],
]);
/** Modifiers, locks, and what keyboards and input methods send for half of a sign. */
const NO_KEYS = new Set([
  ...['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'Fn', 'OS'],
  ...['CapsLock', 'NumLock', 'ScrollLock', 'FnLock'],
  ...['Dead', 'Compose', 'Process', 'Unidentified'],
]);

/** Whether a stroke names one key: no modifier that is held, no half of a sign. */
export function isWholeStroke(stroke: string): boolean {
  return !NO_KEYS.has(stroke.split('+').at(-1) ?? '');
}

export const isTaken = (stroke: string): boolean => TAKEN.has(stroke);

/** The other command that has a stroke. */
export function holderOf<One extends Keyed>(
  commands: readonly One[],
  id: string,
  stroke: string,
): One | null {
  return commands.find((one) => one.id !== id && one.keys.includes(stroke)) ?? null;
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one, at) => one === b[at]);

/** Own keys without those that are ours again. */
function onlyChanged(ours: readonly Keyed[], own: OwnKeys): OwnKeys {
  return Object.fromEntries(
    Object.entries(own).filter(([id, keys]) => {
      const was = ours.find((one) => one.id === id)?.keys;
      return was === undefined || !same(was, keys);
    }),
  );
}

/**
 * Gives a command a stroke in place of its first; whoever had the stroke loses it.
 *
 * @param ours the commands with the keys that they came with.
 */
export function giveKey(
  ours: readonly Keyed[],
  own: OwnKeys,
  id: string,
  stroke: string,
): OwnKeys {
  const now = withOwnKeys(ours, own);
  const changed: Record<string, readonly string[]> = { ...own };
  for (const one of now) {
    if (one.id === id) {
      const others = one.keys.slice(1).filter((key) => key !== stroke);
      changed[one.id] = [stroke, ...others];
    } else if (one.keys.includes(stroke)) {
      changed[one.id] = one.keys.filter((key) => key !== stroke);
    }
  }
  return onlyChanged(ours, changed);
}

/** Gives a command its keys back, and takes them from whoever has them now. */
export function resetKey(ours: readonly Keyed[], own: OwnKeys, id: string): OwnKeys {
  const was = ours.find((one) => one.id === id);
  if (!was) return own;
  const changed: Record<string, readonly string[]> = { ...own, [id]: was.keys };
  for (const one of withOwnKeys(ours, own)) {
    if (one.id === id || !one.keys.some((key) => was.keys.includes(key))) continue;
    changed[one.id] = one.keys.filter((key) => !was.keys.includes(key));
  }
  return onlyChanged(ours, changed);
}

/** Own keys of these commands gone; those of other screens stay. */
export function resetKeys(ours: readonly Keyed[], own: OwnKeys): OwnKeys {
  const ids = new Set(ours.map((one) => one.id));
  return Object.fromEntries(Object.entries(own).filter(([id]) => !ids.has(id)));
}
