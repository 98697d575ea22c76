import { ApiError, OfflineError } from '@/api/client';
import { backOff } from '@/domain/backoff';
import { sameContent } from '@/domain/draft';
import type { Content, Reading } from '@/domain/model';

export interface LostTo {
  readonly holder: string;
  readonly since: string | null;
}

/** How the work on the screen stands to the portal's disk. */
export type SaveState =
  | { readonly kind: 'saved'; readonly at: number | null }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'saving' }
  | { readonly kind: 'unsaved'; readonly offline: boolean; readonly detail: string }
  | { readonly kind: 'conflict'; readonly theirs: Reading }
  | { readonly kind: 'lost'; readonly to: LostTo };

/** A copy of unsaved work in this browser, for a lost network, lease or tab. */
export interface LocalCopies {
  keep(version: number, content: Content): void;
  drop(): void;
}

export interface SaverOptions {
  readonly version: number;
  readonly content: Content;
  /** When the portal saved it last, ms; null when it never has. */
  readonly savedAt: number | null;
  readonly save: (version: number, content: Content, last: boolean) => Promise<Reading>;
  readonly copies: LocalCopies;
  readonly onState: (state: SaveState) => void;
  readonly now?: () => number;
  readonly chance?: () => number;
}

/** From the first change that is not sent until it is, however one goes on typing. */
const DEBOUNCE_MS = 700;

/**
 * Sends a draft, one request at a time, with If-Match; keeps a local copy until the
 * portal has said 2xx; comes back by itself when the network does.
 */
export class DraftSaver {
  readonly #options: SaverOptions;
  readonly #now: () => number;
  readonly #chance: () => number;
  #version: number;
  #saved: Content;
  #wanted: Content;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #flight: Promise<void> | null = null;
  #savedAt: number | null;
  #attempt = 0;
  #blocked = false;
  #stopped = false;

  constructor(options: SaverOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#chance = options.chance ?? Math.random;
    this.#version = options.version;
    this.#savedAt = options.savedAt;
    this.#saved = options.content;
    this.#wanted = options.content;
  }

  get version(): number {
    return this.#version;
  }

  get dirty(): boolean {
    return !sameContent(this.#wanted, this.#saved);
  }

  /** Takes the present content; sends it after a short pause. */
  change(content: Content): void {
    if (this.#stopped || sameContent(content, this.#wanted)) return;
    this.#wanted = content;
    this.#options.copies.keep(this.#version, content);
    if (this.#blocked) return;
    if (!this.dirty && this.#flight === null) {
      this.#settle();
      return;
    }
    this.#options.onState({ kind: 'waiting' });
    if (this.#timer === undefined || this.#attempt > 0) this.#schedule(DEBOUNCE_MS);
  }

  /** What is on the screen is what the portal has: said so, and no copy is kept. */
  #settle(): void {
    this.#cancel();
    this.#options.copies.drop();
    this.#options.onState({ kind: 'saved', at: this.#savedAt });
  }

  /** Sends now what waits; resolves when nothing is in flight. */
  async flush(): Promise<void> {
    this.#cancel();
    if (this.#flight) await this.#flight;
    if (this.dirty && !this.#blocked && !this.#stopped) await this.#send(false);
  }

  /** The reader (or the network's return) asks to try again. */
  retry(): void {
    this.#attempt = 0;
    if (!this.#blocked) this.#schedule(0);
  }

  /** Goes on from `version` with `content`: a conflict or a lost lease was resolved. */
  resume(version: number, saved: Content, content: Content): void {
    this.#blocked = false;
    this.#attempt = 0;
    this.#version = version;
    this.#saved = saved;
    this.#wanted = content;
    if (this.dirty) {
      this.#options.copies.keep(version, content);
      this.#options.onState({ kind: 'waiting' });
      this.#schedule(0);
    } else {
      this.#savedAt = this.#now();
      this.#settle();
    }
  }

  /** The lease went to someone else: the work stays here and is not sent. */
  lose(to: LostTo): void {
    this.#blocked = true;
    clearTimeout(this.#timer);
    this.#options.copies.keep(this.#version, this.#wanted);
    this.#options.onState({ kind: 'lost', to });
  }

  /** The portal has another's words by now: both are kept until the reader chooses. */
  conflict(error: ApiError): void {
    const theirs = error.body['current'] as Reading;
    if (sameContent(theirs.content, this.#wanted)) {
      // Our own words, whose answer was lost on the way.
      this.resume(theirs.version, theirs.content, this.#wanted);
      return;
    }
    this.#blocked = true;
    this.#cancel();
    this.#options.copies.keep(this.#version, this.#wanted);
    this.#options.onState({ kind: 'conflict', theirs });
  }

  /** Ends saving; what is unsaved is sent once more without waiting for the answer. */
  stop(): void {
    clearTimeout(this.#timer);
    const last = this.dirty && !this.#blocked && this.#flight === null;
    this.#stopped = true;
    if (!last) return;
    this.#options.save(this.#version, this.#wanted, true).then(
      () => this.#options.copies.drop(),
      () => undefined,
    );
  }

  /** The reading is signed: nothing is left to keep. */
  finish(): void {
    clearTimeout(this.#timer);
    this.#stopped = true;
    this.#options.copies.drop();
  }

  #schedule(pause: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#send(true);
    }, pause);
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #send(queued: boolean): Promise<void> {
    if (this.#stopped || this.#blocked || !this.dirty) return;
    if (this.#flight) {
      if (queued) this.#schedule(100);
      return;
    }
    this.#flight = this.#sendNow(this.#wanted);
    await this.#flight;
  }

  async #sendNow(content: Content): Promise<void> {
    this.#options.onState({ kind: 'saving' });
    try {
      const reading = await this.#options.save(this.#version, content, false);
      this.#flight = null;
      this.#took(reading, content);
    } catch (error) {
      this.#flight = null;
      this.#failed(error);
    }
  }

  #took(reading: Reading, content: Content): void {
    this.#attempt = 0;
    this.#version = reading.version;
    this.#saved = content;
    if (this.dirty) {
      this.#options.copies.keep(this.#version, this.#wanted);
      this.#options.onState({ kind: 'waiting' });
      this.#schedule(DEBOUNCE_MS);
      return;
    }
    this.#savedAt = this.#now();
    this.#settle();
  }

  #failed(error: unknown): void {
    if (error instanceof ApiError && error.status === 412) {
      this.conflict(error);
      return;
    }
    if (error instanceof ApiError && error.status === 409) {
      this.lose(lostTo(error));
      return;
    }
    const again = error instanceof OfflineError || isPassing(error);
    const detail = error instanceof ApiError ? error.message : '';
    const offline = error instanceof OfflineError;
    this.#options.onState({ kind: 'unsaved', offline, detail });
    if (again) {
      this.#schedule(backOff(this.#attempt, this.#chance(), 1000, 30_000));
      this.#attempt += 1;
    }
  }
}

/** A refusal that may pass by itself: the portal is busy or half up. */
function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.status >= 500 || error.status === 429);
}

/** Who holds the lease now, from the portal's refusal. */
export function lostTo(error: ApiError): LostTo {
  const holder = error.body['holder'];
  const name =
    holder && typeof holder === 'object' && 'display_name' in holder
      ? String(holder.display_name)
      : '';
  const since = error.body['since'];
  return { holder: name, since: typeof since === 'string' ? since : null };
}
