import { cache, Enums, eventTarget, volumeLoader } from '@cornerstonejs/core';
import type { Grid } from '@/domain/volume';
import { useMpr } from './mpr-store';
import type { Stack } from './pack';
import { ensureImaging, registerStack, scrollPlanes } from './setup';

const SCHEME = 'cornerstoneStreamingImageVolume';
const TELL_MS = 250;

/** Each opening has a name of its own: one may begin while the last is being freed. */
let serial = 0;
let open = 0;

export interface OpenVolume {
  readonly id: string;
  close(): void;
}

/** How many slices of the volume are in memory. */
function countLoaded(ids: readonly string[]): number {
  return ids.filter((id) => cache.isLoaded(id)).length;
}

/** Counts the slices as they come, and those that cannot come. */
function follow(ids: readonly string[]): () => void {
  const mine = new Set(ids);
  const failed = new Set<string>();
  const tell = () => {
    const done = countLoaded(ids);
    useMpr.setState({ loaded: { done, of: ids.length }, failed: failed.size });
    if (done + failed.size >= ids.length) clearInterval(timer);
  };
  const onFailed = (event: Event) => {
    const { imageId } = (event as CustomEvent<{ imageId: string }>).detail;
    if (mine.has(imageId)) failed.add(imageId);
  };
  const timer = setInterval(tell, TELL_MS);
  eventTarget.addEventListener(Enums.Events.IMAGE_LOAD_FAILED, onFailed);
  tell();
  return () => {
    clearInterval(timer);
    eventTarget.removeEventListener(Enums.Events.IMAGE_LOAD_FAILED, onFailed);
  };
}

/** The part of Cornerstone's texture that frees what the graphics card holds. */
interface Texture {
  get(name: string): Readonly<Record<string, unknown>>;
  releaseGraphicsResources(window: unknown): void;
}

/**
 * Takes the volume out of the cache and its texture off the graphics card, which
 * Cornerstone leaves there; the images stay for the stack.
 */
function freeVolume(id: string): void {
  const volume = cache.getVolume(id);
  if (!volume) return;
  const texture = volume.vtkOpenGLTexture as Texture | undefined;
  const owner = '_openGLRenderWindow';
  const window = texture?.get(owner)[owner];
  cache.removeVolumeLoadObject(id);
  if (window) texture?.releaseGraphicsResources(window);
}

/** Makes a volume of a series' images, read once for stack and volume. */
export async function openVolume(stack: Stack, grid: Grid): Promise<OpenVolume> {
  await ensureImaging();
  registerStack(stack);
  serial += 1;
  const id = `${SCHEME}:${stack.uid}:${serial}`;
  const imageIds = grid.order.flatMap((place) => stack.images[place]?.imageId ?? []);
  const volume = await volumeLoader.createAndCacheVolume(id, { imageIds });
  const unfollow = follow(imageIds);
  volume.load();
  open += 1;
  scrollPlanes(true);
  return {
    id,
    close: () => {
      unfollow();
      open -= 1;
      scrollPlanes(open > 0);
      freeVolume(id);
    },
  };
}
