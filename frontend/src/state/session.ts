import { useQuery, useQueryClient } from '@tanstack/react-query';
import { takeEarly } from '@/api/early';
import { logout, readSession, readVocabulary } from '@/api/endpoints';
import type { Session, User } from '@/domain/model';
import { resetChoosing } from './choosing';
import { resetListViews } from './list-views';
import { stopLive } from './live';
import { forgetUnsent } from './unsent';
import { dropUpload } from './upload';
import { resetWorklist } from './worklist';

export const SESSION_KEY = ['session'] as const;

export function useSession() {
  return useQuery({
    queryKey: SESSION_KEY,
    queryFn: () => takeEarly('session', readSession),
    staleTime: 60_000,
    retry: false,
  });
}

export function useUser(): User | null {
  return useSession().data?.user ?? null;
}

export type Can = (permission: string) => boolean;

/** Whether the portal said that this person may do something, at one site at least. */
export function useCan(): Can {
  const user = useUser();
  return (permission) => user?.permissions.includes(permission) ?? false;
}

/** Ends the session here and at the portal. */
export function useLogout(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await logout().catch(() => undefined);
    stopLive();
    resetWorklist();
    resetListViews();
    resetChoosing();
    forgetUnsent();
    dropUpload();
    const empty: Session = { user: null, csrf_token: '' };
    client.setQueryData(SESSION_KEY, empty);
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
    await client.invalidateQueries({ queryKey: SESSION_KEY });
  };
}

export function useVocabulary() {
  return useQuery({
    queryKey: ['vocabulary'],
    queryFn: readVocabulary,
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
}

/** Permissions that open a tab of the admin pages. */
export const ADMIN_PERMISSIONS = [
  'health:read',
  'quarantine:manage',
  'ae_title:manage',
  'protocol:manage',
  'site:manage',
  'user:manage',
  'audit:read',
  'export:read',
] as const;

/** Where a person begins: the list, or what the roles allow without it; null: nowhere. */
export function homeOf(can: Can): '/' | '/admin' | '/import' | null {
  if (can('worklist:read')) return '/';
  if (ADMIN_PERMISSIONS.some(can)) return '/admin';
  return can('study:import') ? '/import' : null;
}
