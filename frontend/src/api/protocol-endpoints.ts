import type { Coded, DisplayMode, Id, Site } from '@/domain/model';
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
  /** What it asks for: not marked in a signed reading means absent. */
  readonly labels: readonly Coded[];
}

export interface Protocols {
  readonly items: readonly ClinicalProtocol[];
  /** The findings of the models in use, which can be asked for. */
  readonly askable: readonly Coded[];
}

export async function readProtocols(): Promise<Protocols> {
  return (await request<Protocols>('protocols')).data;
}

/** Makes the next version, for studies that arrive from now on. */
export async function setProtocol(
  site: Id,
  modality: string,
  mode: DisplayMode,
  reason: string,
  /** Codes of what is asked for; null leaves what the rule in force asks. */
  labels: readonly string[] | null = null,
): Promise<void> {
  await request('protocols', {
    method: 'POST',
    body: {
      site,
      modality,
      display_mode: mode,
      reason,
      ...(labels === null ? {} : { labels }),
    },
  });
}

/** Lets the site's general protocol hold for the modality again. */
export async function retireProtocol(id: Id): Promise<void> {
  await request(`protocols/${id}`, { method: 'DELETE' });
}
