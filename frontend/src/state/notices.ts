import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { create } from 'zustand';
import { countUnread, markRead } from '@/api/notice-endpoints';
import type { Id } from '@/domain/model';

const KEY = 'notices';
const POLL_MS = 60_000;

/** What the socket said last; null until it said anything. */
const useHeard = create<{ unread: number | null; at: number }>(() => ({
  unread: null,
  at: 0,
}));

/** The socket says how many notifications are unread now. */
export function heedUnread(unread: number): void {
  useHeard.setState({ unread, at: Date.now() });
}

/** How many notifications wait: from the socket at once, and asked for now and then. */
export function useUnread(): number {
  const { unread, at } = useHeard();
  const { data, dataUpdatedAt } = useQuery({
    queryKey: [KEY, 'unread'],
    queryFn: countUnread,
    refetchInterval: POLL_MS,
  });
  if (unread !== null && at > dataUpdatedAt) return unread;
  return data ?? 0;
}

/** Reads lists of notifications again whenever something came or was read. */
export function useNoticeRefresh(): void {
  const queries = useQueryClient();
  const at = useHeard((state) => state.at);
  useEffect(() => {
    if (at > 0) void queries.invalidateQueries({ queryKey: [KEY, 'list'] });
  }, [at, queries]);
}

/** Marks notifications as read, or all of them. */
export function useMarkRead(): (ids: readonly Id[] | null) => Promise<void> {
  const queries = useQueryClient();
  return useCallback(
    async (ids) => {
      heedUnread(await markRead(ids));
      await queries.invalidateQueries({ queryKey: [KEY] });
    },
    [queries],
  );
}

export const noticeListKey = (which: string) => [KEY, 'list', which] as const;
