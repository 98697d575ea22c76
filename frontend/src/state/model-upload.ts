import { create } from 'zustand';
import {
  beginModelImport,
  type ModelImport,
  nameModelFiles,
  readModelImport,
  sendModelPiece,
} from '@/api/model-import-endpoints';
import type { Id } from '@/domain/model';
import { type ChosenFile, NO_UPLOAD, Uploader, type UploadView } from './uploader';

/** The upload of a model from this window; it goes on whatever screen is open. */
export const useModelUpload = create<UploadView<ModelImport>>(() => NO_UPLOAD);

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ending = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(ending);
      resolve();
    });
  });
}

const uploader = new Uploader<ModelImport>(
  {
    begin: beginModelImport,
    name: nameModelFiles,
    send: sendModelPiece,
    // Nothing ends with the last piece: the person still says what it is.
    finish: readModelImport,
    wait,
    chance: Math.random,
  },
  (view) => useModelUpload.setState(view),
);

/** Sends a model's files, into a new import or on into one that was left. */
export async function sendModel(
  files: readonly ChosenFile[],
  left: ModelImport | null,
): Promise<Id> {
  uploader.drop();
  uploader.add(files);
  const row = left ?? (await beginModelImport());
  await uploader.start({ intake: row });
  return row.id;
}

export const resumeModelUpload = () => uploader.resume();
export const dropModelUpload = () => uploader.drop();
