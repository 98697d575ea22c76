import { sha256 } from '@/domain/segment/sha256';

/** A label map as it is kept and sent. */
export interface PackedSlice {
  readonly sha: string;
  readonly rows: number;
  readonly columns: number;
  readonly packed: Uint8Array<ArrayBuffer>;
}

/** Hash and gzip of label maps, by the browser itself where it offers them. */

export async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Pages that are not served securely have no `subtle`.
  const subtle: SubtleCrypto | undefined = crypto.subtle;
  if (subtle === undefined) return sha256(bytes);
  const digest = new Uint8Array(await subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  by: CompressionStream | DecompressionStream,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(by);
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export const pack = (bytes: Uint8Array<ArrayBuffer>) =>
  through(bytes, new CompressionStream('gzip'));

export const unpack = (bytes: Uint8Array<ArrayBuffer>) =>
  through(bytes, new DecompressionStream('gzip'));
