import { type Dataset, number } from './dataset';
import type { Answer, Described, Task } from './decode-task';
import { greyFrame, isPlainGrey, storedOf } from './grey';
import type { ImageRef } from './pack';
import type { GreyFrame } from './stored';

/** Decoding threads: two at least, else one core stays for the page itself. */
const MOST = Math.max(2, Math.min(6, (navigator.hardwareConcurrency || 2) - 1));
/** Threads that nobody asked anything for this long are ended: each holds megabytes. */
const IDLE_MS = 15_000;

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
let idle: ReturnType<typeof setTimeout> | undefined;
let serial = 0;

function end(thread: Thread): void {
  threads.delete(thread);
  thread.worker.terminate();
}

function restLater(): void {
  clearTimeout(idle);
  idle = setTimeout(() => {
    for (const one of threads) if (one.waiting.size === 0) end(one);
    if (threads.size > 0) restLater();
  }, IDLE_MS);
}

function hear({ waiting }: Thread, answer: Answer): void {
  const asked = waiting.get(answer.id);
  waiting.delete(answer.id);
  if ('made' in answer) asked?.resolve(answer.made);
  else asked?.reject(new Error(answer.error));
}

function startThread(): Thread {
  const worker = new Worker(new URL('./decode-worker.ts', import.meta.url), {
    type: 'module',
  });
  const thread: Thread = { worker, waiting: new Map() };
  worker.addEventListener('message', ({ data }: MessageEvent<Answer>) =>
    hear(thread, data),
  );
  worker.addEventListener('error', () => {
    // It could not start, or died: what waits for it is told, and the next one is new.
    end(thread);
    for (const { reject } of thread.waiting.values()) {
      reject(new Error('the decoder ended'));
    }
  });
  threads.add(thread);
  return thread;
}

/** The thread with the least to do; a new one while all are busy and there may be more. */
function nextThread(): Thread {
  const [least] = [...threads].sort((a, b) => a.waiting.size - b.waiting.size);
  if (least && (least.waiting.size === 0 || threads.size >= MOST)) return least;
  return startThread();
}

/** Has a decoder ready before the first frame comes. */
export function warmDecoder(): void {
  if (threads.size === 0) startThread();
  restLater();
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

/**
 * One grey frame, decoded and rescaled without the imaging library.
 *
 * @param bytes as they came; they are not to be used again, unless nothing is returned.
 * @param syntax of the bytes.
 * @returns null for colours and rare kinds, which the library must see to.
 */
export function decodeGrey(
  { dataset }: ImageRef,
  bytes: Uint8Array,
  syntax: string,
): Promise<GreyFrame> | null {
  const facts = storedOf(dataset);
  const bits = number(dataset, '00280100');
  if (!isPlainGrey(dataset) || facts === null || !(bits === 8 || bits === 16))
    return null;
  const plain = greyFrame(dataset, syntax, bytes);
  if (plain) return Promise.resolve(plain);
  if (!DECODED.has(syntax)) return null;
  const thread = nextThread();
  restLater();
  serial += 1;
  const task: Task = { id: serial, bytes, syntax, frame: describe(dataset), facts };
  return new Promise((resolve, reject) => {
    thread.waiting.set(task.id, { resolve, reject });
    thread.worker.postMessage(task, [bytes.buffer as ArrayBuffer]);
  });
}
