import { type Dataset, number } from './dataset';
import type { Answer, CalledOff, Described, Task, Warm } from './decode-task';
import { onForget } from './forget';
import { greyFrame, isPlainGrey, storedOf, UNCOMPRESSED } from './grey';
import type { ImageRef } from './pack';
import { bytesOf, fetchPart, PackError, syntaxOf } from './part';
import type { GreyFrame, StoredFacts } from './stored';

/** Decoding threads: two at least, else one core stays for the page itself. */
const MOST = Math.max(2, Math.min(6, (navigator.hardwareConcurrency || 2) - 1));
/** A thread for so many bytes of decoded frames: for less, another costs more than it brings. */
const BYTES_EACH = 32 * 1024 ** 2;
/** A thread that was made ready waits this long for a series, which comes with the room. */
const READY_MS = 15_000;
/** One that has no more to do is ended after this: it holds some seven megabytes. */
const IDLE_MS = 1000;

/** Syntaxes that a thread decodes (decode-worker.ts). */
const DECODED = new Set(
  [
    '',
    '.1',
    '.5',
    '.4.50',
    '.4.51',
    '.4.57',
    '.4.70',
    '.4.80',
    '.4.81',
    '.4.90',
    '.4.91',
    '.4.201',
    '.4.202',
    '.4.203',
  ].map((end) => `1.2.840.10008.1.2${end}`),
);

interface Waiting {
  resolve(made: GreyFrame): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

const threads = new Set<Thread>();
const expected = new Map<string, number>();
let idle: ReturnType<typeof setTimeout> | undefined;
let serial = 0;

function end(thread: Thread): void {
  threads.delete(thread);
  thread.worker.terminate();
}

/** Ends later what then has nothing to do; who is busy then ends when it has done. */
function restLater(after: number): void {
  clearTimeout(idle);
  idle = setTimeout(() => {
    for (const one of threads) if (one.waiting.size === 0) end(one);
  }, after);
}

function hear({ waiting }: Thread, answer: Answer): void {
  const asked = waiting.get(answer.id);
  waiting.delete(answer.id);
  if (waiting.size === 0) restLater(expected.size > 0 ? IDLE_MS : READY_MS);
  if ('made' in answer) asked?.resolve(answer.made);
  else if (answer.kind) asked?.reject(new PackError(answer.kind, answer.error));
  else asked?.reject(new Error(answer.error));
}

/** Who dies says something; whose code could not be fetched is silent: no connection. */
function whyEnded(event: Event | ErrorEvent): Error {
  const died = 'message' in event && event.message !== '';
  return died ? new Error('the decoder ended') : new PackError('offline', 'no decoder');
}

function startThread(): Thread {
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
    type: 'module',
  });
  const thread: Thread = { worker, waiting: new Map() };
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) =>
    hear(thread, data),
  );
  worker.addEventListener('error', (event) => {
    // What waits for it is told, and the next one is new.
    end(thread);
    for (const { reject } of thread.waiting.values()) reject(whyEnded(event));
  });
  threads.add(thread);
  return thread;
}

/** Tells of the frames (bytes, decoded) of a series that is about to be shown. */
export function expectSeries(uid: string, bytes: number): void {
  expected.set(uid, bytes);
}

/** Nothing of what was told is shown any more. */
export function expectNone(): void {
  expected.clear();
}

/** How many threads what is shown is worth. */
export function threadsFor(bytes: number, most: number): number {
  return Math.min(most, 1 + Math.floor(bytes / BYTES_EACH));
}

/** The thread with the least to do; a new one while all are busy and there may be more. */
function nextThread(): Thread {
  const [least] = [...threads].sort((a, b) => a.waiting.size - b.waiting.size);
  const bytes = [...expected.values()].reduce((sum, one) => sum + one, 0);
  const most = threadsFor(bytes, MOST);
  if (least && (least.waiting.size === 0 || threads.size >= most)) return least;
  return startThread();
}

/** Has a decoder ready before the first frame comes, of a syntax if that is known. */
export function warmDecoder(syntax = ''): void {
  if (threads.size === 0) startThread();
  const warm: Warm = { warm: syntax };
  if (syntax !== '') for (const { worker } of threads) worker.postMessage(warm);
  restLater(READY_MS);
}

function describe(dataset: Dataset): Described {
  const of = (tag: string, otherwise: number) => number(dataset, tag) ?? otherwise;
  const bitsAllocated = of('00280100', 8);
  const pixelRepresentation = of('00280103', 0);
  return {
    rows: of('00280010', 0),
    columns: of('00280011', 0),
    samplesPerPixel: 1,
    bitsAllocated,
    bitsStored: of('00280101', 8),
    pixelRepresentation,
    planarConfiguration: 0,
    signed: pixelRepresentation === 1,
    bytesPerPixel: bitsAllocated <= 8 ? 1 : 2,
  };
}

/** What a thread needs to know; null for colours and rare kinds. */
function factsOf({ dataset, transferSyntax }: ImageRef): StoredFacts | null {
  const bits = number(dataset, '00280100');
  const ours = isPlainGrey(dataset) && (bits === 8 || bits === 16);
  return ours && DECODED.has(transferSyntax) ? storedOf(dataset) : null;
}

function inThread(
  { url, dataset, transferSyntax: syntax }: ImageRef,
  facts: StoredFacts,
  signal: AbortSignal | undefined,
): Promise<GreyFrame> {
  const { worker, waiting } = nextThread();
  serial += 1;
  const id = serial;
  const task: Task = { id, url, syntax, frame: describe(dataset), facts };
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage(task);
    signal?.addEventListener('abort', () => {
      if (!waiting.delete(id)) return;
      const off: CalledOff = { id, off: true };
      worker.postMessage(off);
      reject(signal.reason);
    });
  });
}

/** An uncompressed frame that is on its way before its header. */
let begun: { readonly url: string; readonly response: Promise<Response> } | null = null;
onForget(() => {
  begun = null;
});

/** Asks for an uncompressed frame; who reads it next takes the answer over. */
export function beginFrame(url: string): void {
  const response = fetchPart(url);
  begun = { url, response };
  // What fails is asked for again.
  response.catch(() => {
    if (begun?.url === url) begun = null;
  });
}

function begunOr(url: string, signal: AbortSignal | undefined): Promise<Response> {
  if (begun?.url !== url) return fetchPart(url, signal);
  const { response } = begun;
  begun = null;
  return response;
}

/** Most CT and MR frames are their pixels: they are read into the memory they stay in. */
async function uncompressed(ref: ImageRef, signal: AbortSignal | undefined) {
  const response = await begunOr(ref.url, signal);
  const syntax = syntaxOf(response, ref.transferSyntax);
  if (syntax !== UNCOMPRESSED) return null;
  return greyFrame(ref.dataset, syntax, await bytesOf(response));
}

/** Whether a frame is decoded here, without the imaging library. */
export function isOurs(ref: ImageRef): boolean {
  return factsOf(ref) !== null;
}

/** The frame of the last early picture, until it is asked for as an image. */
let early: { readonly imageId: string; readonly frame: Promise<GreyFrame> } | null = null;
onForget(() => {
  early = null;
});

function handedOver({ imageId }: ImageRef): Promise<GreyFrame> | null {
  if (early?.imageId !== imageId) return null;
  const { frame } = early;
  early = null;
  return frame;
}

/**
 * As `readGrey`, of the frame that a picture is made of before the imaging library asks
 * for it: then both have the same values, which were fetched and decoded once.
 */
export function readEarly(ref: ImageRef): Promise<GreyFrame> | null {
  const frame = readGrey(ref);
  if (frame === null) return null;
  early = { imageId: ref.imageId, frame };
  // What fails is asked for again.
  frame.catch(() => {
    if (early?.frame === frame) early = null;
  });
  return frame;
}

/**
 * One grey frame, fetched, decoded and rescaled without the imaging library.
 *
 * @returns null for colours and rare kinds, which the library must see to: nothing was
 *   asked for then.
 * @throws PackError when it cannot be had.
 */
export function readGrey(ref: ImageRef, signal?: AbortSignal): Promise<GreyFrame> | null {
  const facts = factsOf(ref);
  if (facts === null) return null;
  const ready = handedOver(ref);
  if (ready) return ready;
  const plain =
    ref.transferSyntax === UNCOMPRESSED && number(ref.dataset, '00280100') === 16;
  if (!plain) return inThread(ref, facts, signal);
  return uncompressed(ref, signal).then((made) => made ?? inThread(ref, facts, signal));
}
