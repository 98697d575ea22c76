import type { Id } from '@/domain/model';
import { request } from './client';

export type SlotKind = 'live' | 'shadow' | 'challenger';

/** A model version of the portal; `problem` says why no worker loads it. */
export interface LibraryModel {
  readonly id: Id;
  readonly name: string;
  readonly version: string;
  readonly package_hash: string;
  readonly intended_use: 'triage' | 'detection' | 'segmentation';
  readonly added_at: string;
  readonly problem: string;
  readonly uses: readonly {
    readonly site: { readonly id: Id; readonly name: string };
    readonly kind: SlotKind;
    readonly number: number;
  }[];
  readonly card: Readonly<Record<string, unknown>>;
}

export async function readModels(): Promise<readonly LibraryModel[]> {
  return (await request<{ items: LibraryModel[] }>('models')).data.items;
}

/** Lets a site use a model, with the thresholds that its card suggests. */
export async function activateModel(
  id: Id,
  use: {
    readonly site: Id;
    readonly kind: SlotKind;
    /** Another model's slot that it is for; '' is its own. */
    readonly task: string;
    readonly reason: string;
  },
): Promise<void> {
  await request(`models/${id}/uses`, { method: 'POST', body: use });
}

/** Stops a model everywhere. */
export async function withdrawModel(id: Id, reason: string): Promise<void> {
  await request(`models/${id}/withdraw`, { method: 'POST', body: { reason } });
}
