import type { Types } from '@cornerstonejs/core';
import { createImage, init } from '@cornerstonejs/dicom-image-loader';

/** Colours and rare kinds: the image library's own way. Fetched when one is met. */
init({ maxWebWorkers: 1 });

export async function libraryImage(
  imageId: string,
  bytes: Uint8Array,
  syntax: string,
  options: Record<string, unknown>,
): Promise<Types.IImage> {
  return (await createImage(imageId, bytes, syntax, { ...options })) as Types.IImage;
}
