/** Why the pack could not be read. */
export class PackError extends Error {
  readonly kind: 'preparing' | 'denied' | 'offline' | 'broken';
  readonly detail: string;

  constructor(kind: PackError['kind'], detail = '') {
    super(kind);
    this.name = 'PackError';
    this.kind = kind;
    this.detail = detail;
  }
}

function kindOf(status: number): PackError['kind'] {
  if (status === 404 || status === 503) return 'preparing';
  if (status === 401 || status === 403) return 'denied';
  return status >= 500 ? 'offline' : 'broken';
}

/** GETs one thing of a pack; every refusal is a `PackError`. */
export async function fetchPart(url: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      credentials: 'same-origin',
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new PackError('offline');
  }
  if (!response.ok) throw new PackError(kindOf(response.status), `${response.status}`);
  return response;
}

/** Memory for so many bytes, or more. */
export type Room = (length: number) => ArrayBuffer;
const newRoom: Room = (length) => new ArrayBuffer(length);

/**
 * The bytes of an answer. They are read into the memory that they stay in: the usual way
 * gathers them aside first, and what lies aside is given back late.
 *
 * @param room where they are read to, at its beginning.
 */
export async function bytesOf(
  response: Response,
  room: Room = newRoom,
): Promise<Uint8Array> {
  const length = Number(response.headers.get('Content-Length'));
  const encoded = response.headers.has('Content-Encoding');
  const reader = encoded || !(length > 0) ? null : byteReader(response);
  if (!reader) return new Uint8Array(await response.arrayBuffer());
  let memory = room(length);
  let filled = 0;
  while (filled < length) {
    const rest: Uint8Array<ArrayBuffer> = new Uint8Array(memory, filled, length - filled);
    const { done, value } = await reader.read(rest);
    if (value) memory = value.buffer;
    filled += value?.byteLength ?? 0;
    if (done && filled < length) throw new PackError('offline', 'cut short');
  }
  return new Uint8Array(memory, 0, length);
}

/** Null in a browser that does not know it. */
function byteReader({ body }: Response): ReadableStreamBYOBReader | null {
  try {
    return body?.getReader({ mode: 'byob' }) ?? null;
  } catch {
    return null;
  }
}

/** The transfer syntax of a frame's answer. */
export function syntaxOf(response: Response, stated: string): string {
  const type = response.headers.get('Content-Type') ?? '';
  return /transfer-syntax="?([0-9.]+)"?/.exec(type)?.[1] ?? stated;
}
