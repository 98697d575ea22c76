import type { Hangings, LayoutWish, Prior } from '@/domain/hanging';
import type { Id } from '@/domain/model';
import { request } from './client';

/** The calls of hanging and of earlier studies. */

export async function readHangings(study: Id): Promise<Hangings> {
  return (await request<Hangings>(`studies/${study}/hanging`)).data;
}

export async function readPriors(study: Id): Promise<readonly Prior[]> {
  return (await request<{ items: Prior[] }>(`studies/${study}/priors`)).data.items;
}

export async function saveLayout(wish: LayoutWish): Promise<string> {
  return (await request<{ id: string }>('layouts', { method: 'POST', body: wish })).data
    .id;
}

export async function deleteLayout(id: string): Promise<void> {
  await request(`layouts/${id}`, { method: 'DELETE' });
}

export async function resetLayouts(): Promise<void> {
  await request('layouts', { method: 'DELETE' });
}
