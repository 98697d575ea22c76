/** The part of a keyboard event that a hotkey is made of. */
export interface Stroke {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/**
 * The name of a stroke: `j`, `Enter`, `Ctrl+Enter`, `Shift+Tab`, `?`. Shift is named
 * only for keys whose sign it does not change already; ⌘ counts as Ctrl.
 */
export function nameStroke(stroke: Stroke): string {
  const single = stroke.key.length === 1;
  const key = single ? stroke.key.toLowerCase() : stroke.key;
  const letter = single && key !== stroke.key.toUpperCase();
  const parts: string[] = [];
  if (stroke.ctrlKey || stroke.metaKey) parts.push('Ctrl');
  if (stroke.altKey) parts.push('Alt');
  if (stroke.shiftKey && (letter || !single)) parts.push('Shift');
  return [...parts, key].join('+');
}

const PRINTED: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  ' ': 'Space',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
};

/** A hotkey as it is printed on a key cap. */
export function printHotkey(hotkey: string): string {
  return (
    hotkey
      .split('+')
      .map((part) => PRINTED[part] ?? (part.length === 1 ? part.toUpperCase() : part))
      .join(' ')
      .trim() || '+'
  );
}

/** A hotkey as `aria-keyshortcuts` names it; undefined without one. */
export function ariaHotkey(hotkey: string): string | undefined {
  if (hotkey === '') return undefined;
  const named = hotkey.replace(/^Ctrl(?=\+)/, 'Control');
  return named.endsWith(' ') ? `${named.slice(0, -1)}Space` : named;
}
