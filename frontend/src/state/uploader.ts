import { ApiError, OfflineError } from '@/api/client';
import type { NamedFile } from '@/api/intake-endpoints';
import { backOff } from '@/domain/backoff';
import {
  type Intake,
  type IntakeFile,
  keyOf,
  nextChunk,
  type Remedy,
  remedyOf,
} from '@/domain/intake';
import type { Id } from '@/domain/model';

/** A file of this computer; `File` is one, and so is a test's. */
export interface LocalFile {
  readonly size: number;
  readonly lastModified: number;
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export interface ChosenFile {
  /** As dropped: `CD/IM0001`. */
  readonly path: string;
  readonly file: LocalFile;
}

/** Where a file stands at the portal, as much of it as sending needs. */
export type RemoteFile = Pick<IntakeFile, 'id' | 'received' | 'state'>;

/** What the uploader needs of the world. `B` is what files go into: an intake. */
export interface UploadBorder<B extends { readonly id: Id } = Intake> {
  begin(site: Id): Promise<B>;
  name(
    intake: Id,
    files: readonly NamedFile[],
    signal: AbortSignal,
  ): Promise<readonly RemoteFile[]>;
  send(
    intake: Id,
    file: Id,
    chunk: { readonly offset: number; readonly bytes: ArrayBuffer },
    signal: AbortSignal,
  ): Promise<RemoteFile>;
  finish(intake: Id, giveUp: boolean): Promise<B>;
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
  chance(): number;
}

export type Hold =
  | 'user'
  | 'disk_full'
  | 'logged_out'
  | 'closed'
  | 'forbidden'
  | 'gone'
  | 'offline'
  | 'unreadable'
  | 'failed';

/** Why a file could not be sent from here, in a word for the screen to translate. */
export type Unsent = 'unreadable' | 'refused';

export interface UnsentFile {
  readonly name: string;
  readonly why: Unsent;
  readonly detail: string;
}

export interface UploadView<B = Intake> {
  readonly phase: 'idle' | 'running' | 'held' | 'finishing' | 'done';
  readonly hold: Hold | null;
  /** What is waited for while running; null when all goes well. */
  readonly waiting: 'archive' | 'busy' | 'portal' | 'offline' | null;
  readonly intake: B | null;
  readonly files: number;
  /** Files that the portal has taken, those of an earlier session among them. */
  readonly taken: number;
  readonly known: number;
  readonly bytes: number;
  readonly sent: number;
  /** Files that could not be sent from here; the first ones are listed. */
  readonly unsent: number;
  readonly unsentFiles: readonly UnsentFile[];
}

export const NO_UPLOAD: UploadView<never> = {
  phase: 'idle',
  hold: null,
  waiting: null,
  intake: null,
  files: 0,
  taken: 0,
  known: 0,
  bytes: 0,
  sent: 0,
  unsent: 0,
  unsentFiles: [],
};

const PARALLEL = 4;
const CHUNK = 4 * 1024 ** 2;
const NAMED_AT_ONCE = 500;
/** So many named files wait at most; the others are named later. */
const AHEAD = 2000;
const LISTED = 200;
/** Answers in a row that bring a file no further, before it counts as refused. */
const STUCK = 30;
/** Files in a row that this computer cannot read: the disc is gone, not the files. */
const DISC_GONE = 10;
/** Between two calls that only ask a large zip to go on. */
const ZIP_PAUSE_MS = 300;

interface Entry {
  readonly path: string;
  readonly file: LocalFile;
  readonly key: string;
  remote: { id: Id; received: number; state: IntakeFile['state'] } | null;
  tries: number;
}

class Unreadable extends Error {}

function kindOf(error: unknown): Remedy | { kind: 'again'; why: 'offline' } {
  if (error instanceof OfflineError) return { kind: 'again', why: 'offline' };
  if (error instanceof ApiError) return remedyOf(error);
  throw error;
}

/** Sends files into one intake or import, a few at a time, and goes on after every trouble. */
export class Uploader<B extends { readonly id: Id } = Intake> {
  readonly #border: UploadBorder<B>;
  readonly #tell: (view: UploadView<B>) => void;
  readonly #entries = new Map<string, Entry>();
  #unnamed: Entry[] = [];
  #ready: Entry[] = [];
  #view: UploadView<B> = NO_UPLOAD;
  #failed = new Map<Entry, UnsentFile>();
  #stop = new AbortController();
  #workers = 0;
  #naming = false;
  #troubles = 0;
  #unreadable = 0;
  #batch = NAMED_AT_ONCE;

  constructor(border: UploadBorder<B>, tell: (view: UploadView<B>) => void) {
    this.#border = border;
    this.#tell = tell;
  }

  get view(): UploadView<B> {
    return this.#view;
  }

  /** Begins a new intake, or goes on with one that was left. */
  async start(at: { site: Id } | { intake: B }): Promise<void> {
    this.#stop = new AbortController();
    const intake = 'intake' in at ? at.intake : await this.#border.begin(at.site);
    this.#set({ intake, phase: 'running', hold: null });
    this.#run();
  }

  /** Adds files; one that is there already is not added again. */
  add(files: readonly ChosenFile[]): void {
    let bytes = 0;
    let count = 0;
    for (const { path, file } of files) {
      const key = keyOf(path, file.size, file.lastModified);
      if (this.#entries.has(key)) continue;
      const entry: Entry = { path, file, key, remote: null, tries: 0 };
      this.#entries.set(key, entry);
      this.#unnamed.push(entry);
      bytes += file.size;
      count += 1;
    }
    this.#set({ files: this.#view.files + count, bytes: this.#view.bytes + bytes });
    this.#run();
  }

  pause(hold: Hold = 'user'): void {
    if (this.#view.phase !== 'running') return;
    this.#set({ phase: 'held', hold, waiting: null });
    this.#stop.abort();
  }

  resume(): void {
    if (this.#view.phase !== 'held') return;
    this.#stop = new AbortController();
    this.#set({ phase: 'running', hold: null });
    this.#retryFailed();
    this.#run();
  }

  /** Ends the intake. Without the rest: what was not sent counts as refused. */
  async finish(giveUp: boolean): Promise<void> {
    const { intake } = this.#view;
    if (!intake) return;
    this.#stop.abort();
    this.#set({ phase: 'finishing', hold: null, waiting: null });
    try {
      const done = await this.#border.finish(intake.id, giveUp);
      this.#set({ phase: 'done', intake: done });
    } catch (error) {
      this.#set({ phase: 'held', hold: holdOf(error) });
    }
  }

  /** Forgets everything; requests under way are called off. */
  drop(): void {
    this.#stop.abort();
    this.#entries.clear();
    this.#unnamed = [];
    this.#ready = [];
    this.#failed.clear();
    this.#troubles = 0;
    this.#unreadable = 0;
    this.#view = NO_UPLOAD;
    this.#tell(this.#view);
  }

  #set(change: Partial<UploadView<B>>): void {
    this.#view = { ...this.#view, ...change };
    this.#tell(this.#view);
  }

  #retryFailed(): void {
    for (const entry of this.#failed.keys()) {
      entry.tries = 0;
      (entry.remote ? this.#ready : this.#unnamed).push(entry);
    }
    this.#failed.clear();
    this.#unreadable = 0;
    this.#set({ unsent: 0, unsentFiles: [] });
  }

  #running(signal: AbortSignal): boolean {
    return !signal.aborted && this.#view.phase === 'running';
  }

  #run(): void {
    const { signal } = this.#stop;
    if (!this.#running(signal) || this.#view.intake === null) return;
    this.#startNaming(signal);
    this.#startWorkers(signal);
    this.#endWhenThrough();
  }

  #endWhenThrough(): void {
    const busy = this.#naming || this.#workers > 0;
    const waits = this.#unnamed.length + this.#ready.length > 0;
    if (busy || waits || this.#entries.size === 0) return;
    if (this.#failed.size === 0) void this.finish(false);
    else this.#set({ phase: 'held', hold: 'failed', waiting: null });
  }

  #mayName(): boolean {
    return this.#unnamed.length > 0 && this.#ready.length < AHEAD;
  }

  #startNaming(signal: AbortSignal): void {
    if (!this.#naming && this.#mayName()) void this.#nameAll(signal);
  }

  async #nameAll(signal: AbortSignal): Promise<void> {
    this.#naming = true;
    try {
      while (this.#running(signal) && this.#mayName()) {
        const batch = this.#unnamed.slice(0, this.#batch);
        if (await this.#nameBatch(batch, signal)) {
          const settled = new Set(batch);
          this.#unnamed = this.#unnamed.filter((entry) => !settled.has(entry));
          this.#batch = Math.min(NAMED_AT_ONCE, this.#batch * 2);
        }
        this.#startWorkers(signal);
      }
    } finally {
      this.#naming = false;
      this.#run();
    }
  }

  #startWorkers(signal: AbortSignal): void {
    while (this.#running(signal) && this.#workers < PARALLEL && this.#ready.length > 0) {
      void this.#work(signal);
    }
  }

  /** Whether the batch is settled. One that is refused is tried in smaller parts. */
  async #nameBatch(batch: readonly Entry[], signal: AbortSignal): Promise<boolean> {
    const intake = this.#view.intake?.id ?? '';
    const files = batch.map(({ key, path, file }) => ({
      key,
      name: path,
      size: file.size,
    }));
    try {
      const answers = await this.#border.name(intake, files, signal);
      batch.forEach((entry, place) => {
        const answer = answers[place];
        if (answer) this.#learn(entry, answer, true);
        if (answer?.state !== 'taken' && this.#knows(entry)) this.#ready.push(entry);
      });
      this.#eased();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const remedy = kindOf(error);
      if (remedy.kind === 'give-up') return this.#narrow(batch, error);
      await this.#follow(remedy, signal);
      return false;
    }
  }

  #narrow(batch: readonly Entry[], error: unknown): boolean {
    const [only] = batch;
    if (batch.length > 1 || !only) {
      this.#batch = Math.ceil(batch.length / 2);
      return false;
    }
    this.#fail(only, 'refused', wordsOf(error));
    return true;
  }

  async #work(signal: AbortSignal): Promise<void> {
    this.#workers += 1;
    try {
      let entry = this.#ready.shift();
      while (entry && this.#running(signal)) {
        await this.#sendFile(entry, signal);
        if (!this.#running(signal)) break;
        this.#startNaming(signal);
        entry = this.#ready.shift();
      }
      if (entry && !this.#settled(entry) && this.#knows(entry))
        this.#ready.unshift(entry);
    } finally {
      this.#workers -= 1;
      this.#run();
    }
  }

  #settled(entry: Entry): boolean {
    return entry.remote?.state === 'taken' || this.#failed.has(entry);
  }

  async #sendFile(entry: Entry, signal: AbortSignal): Promise<void> {
    while (this.#running(signal) && !this.#settled(entry)) {
      try {
        await this.#sendNext(entry, signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(entry, error, signal);
      }
    }
  }

  async #sendNext(entry: Entry, signal: AbortSignal): Promise<void> {
    const { remote, file } = entry;
    if (!remote) return this.#fail(entry, 'refused', '');
    const chunk = nextChunk({ ...remote, size: file.size }, CHUNK);
    if (!chunk) return;
    const bytes = await readBytes(file, chunk.from, chunk.to);
    const answer = await this.#border.send(
      this.#view.intake?.id ?? '',
      remote.id,
      { offset: chunk.from, bytes },
      signal,
    );
    this.#learn(entry, answer, false);
    entry.tries = 0;
    this.#unreadable = 0;
    this.#eased();
    const onlyAsked = chunk.from === chunk.to && answer.state !== 'taken';
    if (onlyAsked) await this.#border.wait(ZIP_PAUSE_MS, signal);
  }

  async #recover(entry: Entry, error: unknown, signal: AbortSignal): Promise<void> {
    if (error instanceof Unreadable) return this.#cannotRead(entry, error);
    const remedy = kindOf(error);
    entry.tries += 1;
    if (remedy.kind === 'give-up' || (remedy.kind === 'go-on' && entry.tries > STUCK)) {
      return this.#fail(entry, 'refused', wordsOf(error));
    }
    if (remedy.kind === 'go-on') return this.#moveTo(entry, remedy.received);
    await this.#follow(remedy, signal);
  }

  #cannotRead(entry: Entry, error: Unreadable): void {
    this.#fail(entry, 'unreadable', error.message);
    this.#unreadable += 1;
    if (this.#unreadable >= DISC_GONE) this.pause('unreadable');
  }

  /** Waits, or stops the whole upload, as the remedy says. */
  async #follow(remedy: ReturnType<typeof kindOf>, signal: AbortSignal): Promise<void> {
    if (remedy.kind === 'again') {
      this.#troubles += 1;
      this.#set({ waiting: remedy.why });
      // All workers meet the same trouble: a round of theirs counts as one try.
      const round = Math.floor((this.#troubles - 1) / PARALLEL);
      const pause = backOff(round, this.#border.chance());
      await this.#border.wait(pause, signal);
    }
    if (remedy.kind === 'hold' || remedy.kind === 'end') this.pause(remedy.why);
  }

  #eased(): void {
    this.#troubles = 0;
    if (this.#view.waiting !== null) this.#set({ waiting: null });
  }

  /** An answer may come after its import was dropped. */
  #knows(entry: Entry): boolean {
    return this.#entries.get(entry.key) === entry;
  }

  #moveTo(entry: Entry, received: number): void {
    const { remote } = entry;
    if (!remote || !this.#knows(entry)) return;
    this.#set({ sent: this.#view.sent + received - remote.received });
    remote.received = received;
  }

  /** Takes in how far a file is; the sums on the screen follow. */
  #learn(entry: Entry, answer: RemoteFile, naming: boolean): void {
    if (!this.#knows(entry)) return;
    const before = entry.remote;
    const taken = answer.state === 'taken' && before?.state !== 'taken' ? 1 : 0;
    const received = answer.state === 'taken' ? entry.file.size : answer.received;
    entry.remote = { id: answer.id, received, state: answer.state };
    this.#set({
      taken: this.#view.taken + taken,
      known: this.#view.known + (naming ? taken : 0),
      sent: this.#view.sent + received - (before?.received ?? 0),
    });
  }

  #fail(entry: Entry, why: Unsent, detail: string): void {
    if (!this.#knows(entry)) return;
    const unsent = { name: entry.path, why, detail };
    this.#failed.set(entry, unsent);
    const { unsentFiles } = this.#view;
    this.#set({
      unsent: this.#failed.size,
      unsentFiles: unsentFiles.length < LISTED ? [...unsentFiles, unsent] : unsentFiles,
    });
  }
}

async function readBytes(file: LocalFile, from: number, to: number) {
  if (from === to) return new ArrayBuffer(0);
  try {
    return await file.slice(from, to).arrayBuffer();
  } catch (error) {
    throw new Unreadable(error instanceof Error ? error.message : '');
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

function holdOf(error: unknown): Hold {
  if (error instanceof OfflineError) return 'offline';
  if (!(error instanceof ApiError)) return 'failed';
  const remedy = remedyOf(error);
  return remedy.kind === 'hold' || remedy.kind === 'end' ? remedy.why : 'failed';
}
