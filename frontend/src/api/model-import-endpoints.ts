import type { Id, Instant } from '@/domain/model';
import type { Card, Figures } from '@/domain/model-card';
import { request } from './client';
import type { NamedFile } from './intake-endpoints';

export type ImportKind = 'auto' | 'package' | 'monai' | 'torchscript' | 'onnx' | 'xrv';
export type ImportState =
  | 'uploading'
  | 'waiting'
  | 'running'
  | 'added'
  | 'refused'
  | 'cancelled'
  | 'interrupted';

/** A field of the card (`labels.0.code`; rows from 0) and what is wrong with it. */
export interface CardGap {
  readonly field: string;
  readonly detail: string;
}

export interface ModelImport {
  readonly id: Id;
  /** Who began it; '' where one shares no site with them. */
  readonly by: string;
  readonly mine: boolean;
  readonly state: ImportState;
  readonly name: string;
  readonly n_files: number;
  readonly received: number;
  readonly size: number;
  readonly files_kept: boolean;
  readonly kind: ImportKind;
  readonly card: Card;
  readonly expected_sha256: string;
  readonly sha256: string;
  /** What the card lacks now. */
  readonly gaps: readonly CardGap[];
  /** What the importer named when it refused. */
  readonly named: readonly CardGap[];
  /** Imports that come before this one. */
  readonly before: number;
  readonly steps: readonly { readonly seconds: number; readonly words: string }[];
  readonly tries: readonly {
    readonly at: Instant;
    readonly seconds: number;
    readonly outcome: ImportState;
    readonly reason: string;
  }[];
  readonly reason: string;
  readonly cancel_asked: boolean;
  readonly model: null | {
    readonly id: Id;
    readonly name: string;
    readonly version: string;
    readonly package_hash: string;
    readonly figures: readonly Figures[];
  };
  readonly begun_at: Instant;
  /** When it was last started. */
  readonly asked_at: Instant | null;
  readonly started_at: Instant | null;
  readonly ended_at: Instant | null;
  readonly now: Instant;
}

/** A file of an import; it is taken once all of it is at the portal. */
export interface ImportFile {
  readonly id: Id;
  readonly received: number;
  readonly state: 'waiting' | 'taken';
}

export async function readModelImports(): Promise<readonly ModelImport[]> {
  return (await request<{ items: ModelImport[] }>('model-imports')).data.items;
}

export async function readModelImport(id: Id): Promise<ModelImport> {
  return (await request<ModelImport>(`model-imports/${id}`)).data;
}

export async function beginModelImport(): Promise<ModelImport> {
  return (await request<ModelImport>('model-imports', { method: 'POST', body: {} })).data;
}

export interface Description {
  readonly kind: ImportKind;
  readonly card: Card;
  readonly expected_sha256: string;
}

/** Keeps what a person says of the model. */
export async function describeModel(id: Id, said: Description): Promise<ModelImport> {
  return (
    await request<ModelImport>(`model-imports/${id}`, { method: 'PUT', body: said })
  ).data;
}

export async function nameModelFiles(
  id: Id,
  files: readonly NamedFile[],
  signal: AbortSignal,
): Promise<readonly ImportFile[]> {
  const body = { files };
  const path = `model-imports/${id}/files`;
  const answer = await request<{ items: ImportFile[] }>(path, {
    method: 'POST',
    body,
    signal,
  });
  return answer.data.items;
}

export async function sendModelPiece(
  id: Id,
  file: Id,
  chunk: { readonly offset: number; readonly bytes: ArrayBuffer },
  signal: AbortSignal,
): Promise<ImportFile> {
  const path = `model-imports/${id}/files/${file}`;
  return (await request<ImportFile>(path, { method: 'PUT', ...chunk, signal })).data;
}

export async function startModelImport(id: Id): Promise<ModelImport> {
  const path = `model-imports/${id}/start`;
  return (await request<ModelImport>(path, { method: 'POST', body: {} })).data;
}

/** Ends an import, or removes the upload of one that ended. */
export async function cancelModelImport(id: Id): Promise<ModelImport> {
  const path = `model-imports/${id}/cancel`;
  return (await request<ModelImport>(path, { method: 'POST', body: {} })).data;
}

/** Checks a model's files, card and signature again; '' when all is well. */
export async function verifyModel(id: Id): Promise<string> {
  const path = `models/${id}/verify`;
  return (await request<{ problem: string }>(path, { method: 'POST', body: {} })).data
    .problem;
}
