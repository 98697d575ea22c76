import { ApiError, OfflineError } from '@/api/client';
import { putSlice, sliceUrl } from '@/api/segment-endpoints';
import type { Content, Id } from '@/domain/model';
import { type NamedSlice, namedSlices } from '@/domain/segment/model';
import { countLabels } from '@/domain/segment/sizes';
import { hashOf, type PackedSlice, pack, unpack } from './segment-pack';
import { keepSlice, keptSlices } from './segment-store';

/** Bytes of label maps that are held unpacked; the rest is unpacked when it is shown. */
const HELD = 160e6;

/**
 * The label maps of one work item: in this page packed for good, unpacked as long as
 * there is room; at the portal before a draft names them.
 */
export class Slices {
  readonly item: Id;
  readonly #keep: (slice: PackedSlice) => Promise<void>;
  readonly #packed = new Map<string, PackedSlice>();
  readonly #open = new Map<string, Uint8Array>();
  readonly #counts = new Map<string, Uint32Array>();
  readonly #reading = new Map<string, Promise<Uint8Array>>();
  readonly #sent = new Set<string>();
  readonly #sending = new Map<string, Promise<void>>();
  #held = 0;
  /** What an earlier page kept is being taken in. */
  #ready: Promise<unknown> = Promise.resolve();

  /** @param keep Keeps a copy in this browser until the draft is saved. */
  constructor(item: Id, keep: (slice: PackedSlice) => Promise<void>) {
    this.item = item;
    this.#keep = keep;
  }

  /** Takes in what was drawn, begins to send it, and answers its name. */
  async add(labels: Uint8Array, rows: number, columns: number): Promise<string> {
    const bytes = labels.slice();
    const sha = await hashOf(bytes);
    this.#hold(sha, bytes);
    if (!this.#packed.has(sha)) {
      const slice = { sha, rows, columns, packed: await pack(bytes) };
      this.#packed.set(sha, slice);
      void this.#keep(slice);
    }
    // A failure here is told by the save that comes after, which sends it again.
    this.#send(sha, false).catch(() => undefined);
    return sha;
  }

  /** Takes in what an earlier page kept in this browser; resolves when it is here. */
  adopt(copyKey: string): Promise<void> {
    const adopting = keptSlices(copyKey).then(async (kept) => {
      for (const slice of kept) {
        if (this.#packed.has(slice.sha)) continue;
        this.#packed.set(slice.sha, slice);
        await this.#keep(slice);
      }
    });
    this.#ready = Promise.all([this.#ready, adopting]);
    return adopting;
  }

  /** The label map, if it is unpacked here now. */
  now(sha: string): Uint8Array | null {
    const labels = this.#open.get(sha);
    if (!labels) return null;
    this.#open.delete(sha);
    this.#open.set(sha, labels);
    return labels;
  }

  /** How many voxels each number has, if it was unpacked once. */
  countsNow(sha: string): Uint32Array | null {
    return this.#counts.get(sha) ?? null;
  }

  /** Unpacks or fetches a label map. */
  read(sha: string): Promise<Uint8Array> {
    const labels = this.now(sha);
    if (labels) return Promise.resolve(labels);
    const under = this.#reading.get(sha);
    if (under) return under;
    const reading = this.#readAnew(sha).finally(() => this.#reading.delete(sha));
    this.#reading.set(sha, reading);
    return reading;
  }

  /** Sends every label map that a draft names and that the portal may not have. */
  async send(content: Content, last: boolean): Promise<void> {
    const named = namedSlices(content.segmentations);
    if (named.length === 0) return;
    if (!last) await this.#ready;
    await Promise.all(named.map(({ sha }: NamedSlice) => this.#send(sha, last)));
  }

  /** The portal lost some: everything that is here is sent again with the next save. */
  forgetSent(): void {
    this.#sent.clear();
  }

  #send(sha: string, last: boolean): Promise<void> {
    const slice = this.#packed.get(sha);
    if (!slice || this.#sent.has(sha)) return Promise.resolve();
    const under = this.#sending.get(sha);
    if (under) return under;
    const sending = putSlice(this.item, sha, slice, last)
      .then(() => void this.#sent.add(sha), refused)
      .finally(() => this.#sending.delete(sha));
    this.#sending.set(sha, sending);
    return sending;
  }

  async #readAnew(sha: string): Promise<Uint8Array> {
    await this.#ready;
    const slice = this.#packed.get(sha);
    const labels = slice ? await unpack(slice.packed) : await this.#fetch(sha);
    this.#hold(sha, labels);
    return labels;
  }

  async #fetch(sha: string): Promise<Uint8Array> {
    const options = { credentials: 'same-origin' } as const;
    const response = await fetch(sliceUrl(this.item, sha), options).catch(() => {
      throw new OfflineError();
    });
    if (!response.ok) throw new Error(String(response.status));
    return new Uint8Array(await response.arrayBuffer());
  }

  #hold(sha: string, labels: Uint8Array): void {
    if (!this.#counts.has(sha)) this.#counts.set(sha, countLabels(labels));
    if (this.#open.has(sha)) return;
    this.#open.set(sha, labels);
    this.#held += labels.length;
    for (const [oldest, one] of this.#open) {
      if (this.#held <= HELD || oldest === sha) break;
      this.#open.delete(oldest);
      this.#held -= one.length;
    }
  }
}

/** What is refused for itself is not a lease that was lost, which has the same status. */
function refused(error: unknown): never {
  if (error instanceof ApiError && error.status === 409 && error.code !== 'lease_lost') {
    throw new ApiError(422, error.code, error.message, { ...error.body });
  }
  throw error;
}

let current: Slices | null = null;

/** The label maps of the item that is being read. */
export const slicesNow = (): Slices | null => current;

const KEPT_NOWHERE = () => Promise.resolve();

/**
 * Begins with an item's label maps; `copyKey` names the draft's copy in this browser,
 * null when there is no draft: the item is only looked at.
 */
export function beginSlices(item: Id, copyKey: string | null): Slices {
  const keep =
    copyKey === null ? KEPT_NOWHERE : (slice: PackedSlice) => keepSlice(copyKey, slice);
  current = new Slices(item, keep);
  return current;
}
