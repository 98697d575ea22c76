import type { DisplayMode, Id, Site } from '@/domain/model';
import { request } from './client';

/** When readers of a site see AI; modality '' is the rest. */
export interface ClinicalProtocol {
  readonly id: Id;
  readonly site: Site;
  readonly code: string;
  readonly name: string;
  readonly version: number;
  readonly modality: string;
  readonly display_mode: DisplayMode;
  readonly n_readers: number;
}

export async function readProtocols(): Promise<readonly ClinicalProtocol[]> {
  return (await request<{ items: ClinicalProtocol[] }>('protocols')).data.items;
}

/** Makes the next version, for studies that arrive from now on. */
export async function setProtocol(
  site: Id,
  modality: string,
  mode: DisplayMode,
  reason: string,
): Promise<void> {
  await request('protocols', {
    method: 'POST',
    body: { site, modality, display_mode: mode, reason },
  });
}

/** Lets the site's general protocol hold for the modality again. */
export async function retireProtocol(id: Id): Promise<void> {
  await request(`protocols/${id}`, { method: 'DELETE' });
}
