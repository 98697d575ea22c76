import { printHotkey } from '@/domain/hotkeys';
import type { Keyed } from '@/domain/own-keys';
import { useKeyOf } from '@/state/own-keys';
import { Key } from '@/ui/primitives';

/** The key cap of a command, as the person has chosen it; nothing without a key. */
export function CommandKey({ command }: { command: Keyed }) {
  const key = useKeyOf(command);
  return key === '' ? null : <Key>{printHotkey(key)}</Key>;
}
