import { create } from 'zustand';
import type { Id } from '@/domain/model';

/** What was typed for a study's discussion and not sent yet, by work item. */
const useUnsentTexts = create<{ readonly texts: Readonly<Record<Id, string>> }>(() => ({
  texts: {},
}));

export function useUnsent(item: Id): readonly [string, (text: string) => void] {
  const text = useUnsentTexts((state) => state.texts[item] ?? '');
  return [text, (next) => keepUnsent(item, next)];
}

function keepUnsent(item: Id, text: string): void {
  const { texts } = useUnsentTexts.getState();
  useUnsentTexts.setState({ texts: { ...texts, [item]: text } });
}

export function forgetUnsent(): void {
  useUnsentTexts.setState({ texts: {} });
}
