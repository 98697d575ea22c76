import { useEffect, useRef } from 'react';
import { nameStroke } from '@/domain/hotkeys';

const FIELDS = 'input, textarea, select, [contenteditable="true"], [role="combobox"]';
const WIDGETS = 'button, a[href], [role="option"], [role="menuitem"], [role="tab"]';
/** Keys that a focused button, link or field needs for itself. */
const OWN_KEYS = new Set(['Enter', ' ', 'Tab', 'Shift+Tab']);

function belongsToFocus(target: EventTarget | null, stroke: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest(FIELDS)) return stroke !== 'Ctrl+Enter';
  if (target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return true;
  return OWN_KEYS.has(stroke) && target.closest(WIDGETS) !== null;
}

const dialogHas = new WeakSet<Event>();

/** A dialog that has just opened has every key, its focus comes a moment later. */
function noteDialog(event: Event): void {
  if (document.querySelector('[role="dialog"][aria-modal="true"]')) dialogHas.add(event);
}
// Before any dialog listens: the Escape that closed one may find it gone already when it
// comes to the hotkeys, and would leave the room as well.
globalThis.window?.addEventListener('keydown', noteDialog, { capture: true });

/** The stroke's name, or null when something else has it or needs it. */
function freeStroke(event: KeyboardEvent): string | null {
  if (event.defaultPrevented || event.isComposing) return null;
  if (dialogHas.has(event)) return null;
  const stroke = nameStroke(event);
  return belongsToFocus(event.target, stroke) ? null : stroke;
}

/**
 * Sends named strokes to `handle`, which says whether it took one. Strokes never fire
 * in text fields, dialogs or menus, nor those that the focused control needs itself.
 */
export function useHotkeys(handle: (stroke: string, target: Element) => boolean): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const stroke = freeStroke(event);
      if (stroke === null) return;
      const target = event.target instanceof Element ? event.target : document.body;
      if (latest.current(stroke, target)) event.preventDefault();
    };
    // Before the viewports, which keep key strokes to themselves.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, []);
}
