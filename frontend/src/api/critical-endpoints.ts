import type { Coded, Id, Instant } from '@/domain/model';
import { request } from './client';

/** Who was told of a critical result and how, or why nobody was. */
export interface Told {
  readonly told_to: string;
  readonly told_role: string;
  readonly how: string;
  readonly told_at: Instant | null;
  readonly read_back: boolean | null;
  readonly reason: string;
  readonly reason_text: string;
  readonly closed_at: Instant;
  readonly closed_by: { readonly id: Id; readonly display_name: string } | null;
}

/** A signed critical finding; open until `told`. */
export interface Critical {
  readonly id: Id;
  readonly state: 'open' | 'closed';
  readonly item_id: Id;
  readonly source_id: string;
  readonly site: { readonly id: Id; readonly name: string };
  readonly patient: { readonly name: string; readonly id: string };
  readonly study: {
    readonly id: Id;
    readonly description: string;
    readonly modality: string;
    readonly study_date: string | null;
    readonly accession_number: string;
  };
  readonly label: Coded;
  /** At how many places of the study it was found. */
  readonly n_places: number;
  readonly reader: { readonly id: Id; readonly display_name: string };
  readonly mine: boolean;
  readonly raised_at: Instant;
  readonly remind_at: Instant;
  readonly reminders: number;
  readonly told: Told | null;
}

export interface Option {
  readonly code: string;
  readonly display: string;
}

/** What people choose from when they close a result. */
export interface TellingChoices {
  readonly how: readonly Option[];
  readonly why_not: readonly Option[];
}

export interface CriticalList extends TellingChoices {
  readonly items: readonly Critical[];
  readonly total: number;
}

export interface ItemCritical extends TellingChoices {
  /** Codes of the labels that are critical at the item's site. */
  readonly codes: readonly string[];
  readonly items: readonly Critical[];
}

/** What a person says to close a result. */
export type Telling =
  | {
      readonly told_to: string;
      readonly told_role: string;
      readonly how: string;
      readonly told_at: Instant;
      readonly read_back: boolean;
    }
  | { readonly reason_code: string; readonly reason_text: string };

/** Who was told, by what in the reading says it: a finding's or a mark's id. */
export type ToldBySource = Readonly<Record<string, Telling>>;

export async function readCritical(state: 'open' | 'closed'): Promise<CriticalList> {
  return (await request<CriticalList>(`critical-results?state=${state}`)).data;
}

export async function readItemCritical(item: Id): Promise<ItemCritical> {
  const path = `worklist/items/${item}/critical-results`;
  return (await request<ItemCritical>(path)).data;
}

export async function closeCritical(id: Id, telling: Telling): Promise<Critical> {
  const path = `critical-results/${id}/close`;
  return (await request<Critical>(path, { method: 'POST', body: telling })).data;
}
