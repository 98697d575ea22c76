import { create } from 'zustand';
import { ApiError } from '@/api/client';
import {
  beginIntake,
  finishIntake,
  nameFiles,
  readReport,
  sendChunk,
} from '@/api/intake-endpoints';
import { type Intake, rateOf } from '@/domain/intake';
import type { Id } from '@/domain/model';
import {
  type ChosenFile,
  type Hold,
  NO_UPLOAD,
  Uploader,
  type UploadView,
} from './uploader';

/** The one upload of this browser window; it goes on whatever screen is open. */
interface UploadState extends UploadView {
  /** Bytes a second; null until it is known. */
  readonly rate: number | null;
  /** Why the import could not begin, in the portal's words; '' when it did. */
  readonly problem: string | null;
}

export const useUpload = create<UploadState>(() => ({
  ...NO_UPLOAD,
  rate: null,
  problem: null,
}));

const TELL_MS = 200;
const SAMPLES = 60;
const COUNTS_MS = 2000;

let owner: Id | null = null;
let samples: { at: number; bytes: number }[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;

function tellNow(): void {
  timer = null;
  const { view } = uploader;
  const running = view.phase === 'running';
  samples = running
    ? [...samples, { at: Date.now(), bytes: view.sent }].slice(-SAMPLES)
    : [];
  const { counts } = useUpload.getState().intake ?? view.intake ?? {};
  const intake = view.intake && counts ? freshest(view, counts) : view.intake;
  useUpload.setState({ ...view, intake, rate: rateOf(samples) });
}

/** While it runs, the sums that were asked for last; at the end, the final ones. */
function freshest(view: UploadView, counts: Intake['counts']): Intake | null {
  const { intake } = view;
  const same = useUpload.getState().intake?.id === intake?.id;
  return intake && same && view.phase !== 'done' ? { ...intake, counts } : intake;
}

function tell(view: UploadView): void {
  const { phase, hold } = useUpload.getState();
  const turned = view.phase !== phase || view.hold !== hold;
  if (turned) {
    if (timer !== null) clearTimeout(timer);
    queueMicrotask(tellNow);
  } else {
    timer ??= setTimeout(tellNow, TELL_MS);
  }
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(ending);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const ending = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}

const uploader = new Uploader(
  {
    begin: beginIntake,
    name: nameFiles,
    send: sendChunk,
    finish: finishIntake,
    wait,
    chance: Math.random,
  },
  tell,
);

/** Asks for the sums by status while files go up; zips' members are known there only. */
async function followCounts(intake: Id): Promise<void> {
  const signal = new AbortController().signal;
  for (;;) {
    await wait(COUNTS_MS, signal);
    const { view } = uploader;
    if (view.intake?.id !== intake || view.phase === 'done') return;
    if (view.phase !== 'running') continue;
    const query = { statuses: [], cursor: null, limit: 1 };
    const report = await readReport(intake, query).catch(() => null);
    const shown = useUpload.getState().intake;
    const stays = uploader.view.phase !== 'done' && shown?.id === intake;
    if (report && stays) {
      useUpload.setState({ intake: { ...shown, counts: report.counts } });
    }
  }
}

const OVER: readonly (Hold | null)[] = ['closed', 'gone', 'forbidden'];

/** Whether there is an intake that further files can go into. */
function isOpen(): boolean {
  const { phase, hold } = uploader.view;
  return phase === 'running' || (phase === 'held' && !OVER.includes(hold));
}

let starting: Promise<void> | null = null;

async function startNew(at: { site: Id } | { intake: Intake }): Promise<void> {
  try {
    await uploader.start(at);
    const { intake } = uploader.view;
    if (intake) void followCounts(intake.id);
  } catch (error) {
    uploader.drop();
    const words = error instanceof ApiError ? error.message : '';
    useUpload.setState({ problem: words });
  }
}

/** Sends files: into the import under way, into one that was left, or into a new one. */
export async function sendFiles(
  files: readonly ChosenFile[],
  to: { readonly user: Id; readonly at: { site: Id } | { intake: Intake } },
): Promise<void> {
  await starting;
  if (owner !== to.user) dropUpload();
  owner = to.user;
  if (isOpen()) {
    uploader.add(files);
    uploader.resume();
    return;
  }
  uploader.drop();
  useUpload.setState({ ...NO_UPLOAD, rate: null, problem: null });
  uploader.add(files);
  starting = startNew(to.at);
  await starting;
  starting = null;
}

export const pauseUpload = () => uploader.pause();
export const resumeUpload = () => uploader.resume();
export const finishUpload = (giveUp: boolean) => uploader.finish(giveUp);

/** Leaves what was sent at the portal and forgets the rest. */
export function dropUpload(): void {
  uploader.drop();
  owner = null;
}

/** An upload that another person began in this window is none of this one's. */
export function adoptUpload(user: Id): void {
  if (owner !== null && owner !== user) dropUpload();
}

/** Whether leaving the page would break off an upload. */
export function isUploading(): boolean {
  return uploader.view.phase === 'running' || uploader.view.phase === 'finishing';
}
