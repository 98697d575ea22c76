import type { Id, Session } from '@/domain/model';
import { request } from './client';

/** Another password for whoever is logged in; the answer is the session that goes on. */
export async function changePassword(current: string, fresh: string): Promise<Session> {
  const body = { current, new: fresh };
  return (await request<Session>('session/password', { method: 'POST', body })).data;
}

export interface PersonChanges {
  readonly display_name?: string;
  readonly email?: string;
  readonly is_active?: boolean;
}

export async function changePerson(user: Id, changes: PersonChanges): Promise<void> {
  await request(`users/${user}`, { method: 'PATCH', body: changes });
}

export async function resetPassword(user: Id, password: string): Promise<void> {
  await request(`users/${user}/password`, { method: 'POST', body: { password } });
}

/** Deadlines in seconds from arrival, fractions from 0 to 1. */
export interface SitePolicy {
  readonly stat_deadline_s: number;
  readonly priority_deadline_s: number;
  readonly routine_deadline_s: number;
  readonly base_rate: number;
  readonly critical_weight: number;
  readonly urgent_weight: number;
  readonly routine_weight: number;
  readonly stat_in_a_row: number;
}

export async function readPolicy(site: Id): Promise<SitePolicy> {
  return (await request<SitePolicy>(`sites/${site}/policy`)).data;
}

export async function setPolicy(
  site: Id,
  policy: SitePolicy,
  reason: string,
): Promise<SitePolicy> {
  const body = { ...policy, reason };
  return (await request<SitePolicy>(`sites/${site}/policy`, { method: 'PUT', body }))
    .data;
}
