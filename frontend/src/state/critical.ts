import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { create } from 'zustand';
import {
  type CriticalList,
  readCritical,
  readItemCritical,
  type ToldBySource,
} from '@/api/critical-endpoints';
import type { Statement } from '@/domain/critical';
import type { Id } from '@/domain/model';
import { useCan } from './session';
import { onEvents } from './site-events';

const KEY = 'critical';
const REFRESH_MS = 5 * 60_000;

/** Reads every list of critical results again when one of them changed anywhere. */
export function useCriticalRefresh(): () => void {
  const queries = useQueryClient();
  const refresh = useCallback(
    () => void queries.invalidateQueries({ queryKey: [KEY] }),
    [queries],
  );
  useEffect(() => onEvents('critical', refresh), [refresh]);
  return refresh;
}

export function useCriticalList(state: 'open' | 'closed') {
  const may = useCan()('critical:read');
  return useQuery<CriticalList>({
    queryKey: [KEY, state],
    queryFn: () => readCritical(state),
    refetchInterval: REFRESH_MS,
    enabled: may,
  });
}

/** What is critical at an item's site, and the results of its patient. */
export function useItemCritical(item: Id | null) {
  const may = useCan()('critical:read');
  return useQuery({
    queryKey: [KEY, 'item', item],
    queryFn: () => readItemCritical(item ?? ''),
    enabled: may && item !== null,
    staleTime: REFRESH_MS,
  });
}

interface Asked {
  readonly statements: readonly Statement[];
  readonly sign: (told: ToldBySource) => void;
}

interface Telltale {
  /** Signing waits for the answer to this. */
  readonly asked: Asked | null;
  /** The reminder rests until this moment, or until the portal reminds again. */
  readonly restUntil: number;
  readonly restAt: number;
}

export const useTelling = create<Telltale>(() => ({
  asked: null,
  restUntil: 0,
  restAt: 0,
}));

/** Asks who was told before a reading is signed. */
export function askWhoWasTold(asked: Asked): void {
  useTelling.setState({ asked });
}

export function endTelling(): void {
  useTelling.setState({ asked: null });
}

const REST_MS = 10 * 60_000;

/** Lets the reminder rest; it comes back after a while, or with the portal's next one. */
export function restReminder(now: number, reminders: number): void {
  useTelling.setState({ restUntil: now + REST_MS, restAt: reminders });
}
