import { ApiError, OfflineError } from '@/api/client';
import type { ToldBySource } from '@/api/critical-endpoints';
import { takeEarly } from '@/api/early';
import {
  commitReading,
  leaseItem,
  openStudy,
  readAi,
  readItem,
  readManifest,
  readReading,
  releaseLease,
  renewLease,
  saveReading,
  signReading,
} from '@/api/endpoints';
import { type Looked, lookAt } from '@/api/signed-endpoints';
import { EMPTY_CONTENT, sameContent, startDraft, unanswered } from '@/domain/draft';
import { whyNoMap } from '@/domain/findings';
import type {
  Content,
  Finding,
  Id,
  Lease,
  LeaseAnswer,
  Reading,
  Row,
} from '@/domain/model';
import { DraftSaver, lostTo } from './draft-saver';
import { copyKey, dropCopy, localCopies, readLocalCopy } from './local-copies';
import { isToLookAt } from './looking';
import { findingsOf, getRoom, resetRoom, setRoom, useRoom } from './room';
import { beginSlices, type Slices, slicesNow } from './segment-slices';
import { resetSegments, strokesPending, strokesSettled } from './segmenting';

const RENEW_MS = 60_000;
/** How long one who leaves waits for the last save. */
const PATIENCE_MS = 1500;

let saver: DraftSaver | null = null;
let renewal: ReturnType<typeof setInterval> | undefined;
let unfollow: () => void = () => undefined;
let taken: LeaseAnswer | null = null;
/** This window's own taking of the item: a renewal tells of the newest one, whoever's. */
let own: Lease | null = null;

/** Whether this window is reading the item now, and so saves its draft itself. */
export function isReading(itemId: Id): boolean {
  return saver !== null && getRoom().itemId === itemId;
}

/** Hands over a lease that `take-next` or signing already gave. */
export function handOver(answer: LeaseAnswer): void {
  taken = answer;
}

/** The opening under way or done, while the room is on its way to the screen. */
let opening: { readonly itemId: Id; readonly done: Promise<void> } | null = null;

/** Begins to open an item before the room itself is there: the room goes on with it. */
export function openEarly(itemId: Id, user: Id): void {
  const done = openAnew(itemId, user);
  opening = { itemId, done };
}

/** The room never came: what was opened for it is left. */
export function leaveEarly(itemId: Id): void {
  if (opening?.itemId === itemId) void leaveItem();
}

/** Leases the item, then reads what is needed to read it. */
export function openItem(itemId: Id, user: Id): Promise<void> {
  const early = opening?.itemId === itemId ? opening.done : null;
  opening = null;
  if (early && getRoom().phase !== 'refused') return early;
  return openAnew(itemId, user);
}

async function openAnew(itemId: Id, user: Id): Promise<void> {
  await leaveItem(false);
  resetRoom(itemId);
  const toLook = isToLookAt() && taken?.item.id !== itemId;
  if (toLook && (await lookIfDone(itemId))) return;
  await openToRead(itemId, user);
}

async function openToRead(itemId: Id, user: Id): Promise<void> {
  try {
    const answer =
      taken?.item.id === itemId
        ? taken
        : await takeEarly(`lease ${itemId}`, () => leaseItem(itemId));
    taken = null;
    if (getRoom().itemId !== itemId) return void releaseLease(itemId, answer.lease);
    begin(answer, user);
    await Promise.all([loadManifest(answer.item), loadAi(itemId)]);
  } catch (error) {
    if (getRoom().itemId !== itemId) return;
    const signed = error instanceof ApiError && error.code === 'not_open';
    if (signed) await lookInto(itemId);
    else refuse(error);
  }
}

/** Opens a study that is signed, or that somebody else reads, to look at alone. */
export async function lookInto(itemId: Id): Promise<void> {
  try {
    await show(itemId, await lookAt(itemId));
  } catch (error) {
    if (getRoom().itemId === itemId) refuse(error);
  }
}

/**
 * Looks at what was opened from the list of signed ones, without asking for a lease that
 * cannot be had.
 *
 * @returns whether it was: not where it is to be read again, as while it is amended.
 */
async function lookIfDone(itemId: Id): Promise<boolean> {
  const looked = await lookAt(itemId).catch(() => null);
  // The room was left meanwhile: nothing is opened in it.
  if (getRoom().itemId !== itemId) return true;
  if (looked?.item.state !== 'done') return false;
  try {
    await show(itemId, looked);
  } catch (error) {
    if (getRoom().itemId === itemId) refuse(error);
  }
  return true;
}

async function show(itemId: Id, looked: Looked): Promise<void> {
  const { item, reading, may_verify, may_amend } = looked;
  if (getRoom().itemId !== itemId) return;
  resetSegments();
  // What was signed is fetched from the portal; nothing is kept in this browser for it.
  beginSlices(itemId, null);
  setRoom({
    phase: 'looking',
    refusal: null,
    item,
    reading,
    mayVerify: may_verify,
    mayAmend: may_amend,
    draft: startDraft(reading?.content ?? EMPTY_CONTENT),
    openedRevision: { id: item.study.revision_id, number: item.study.revision },
  });
  await Promise.all([loadManifest(item), loadAi(itemId)]);
}

function refuse(error: unknown): void {
  if (error instanceof ApiError && error.code === 'leased') {
    const { holder, since } = lostTo(error);
    const until = error.body['expires_at'];
    const refusal = {
      kind: 'leased' as const,
      holder,
      since,
      until: typeof until === 'string' ? until : null,
    };
    setRoom({ phase: 'refused', refusal });
    return;
  }
  const offline = error instanceof OfflineError;
  const detail = error instanceof Error ? error.message : '';
  setRoom({ phase: 'refused', refusal: { kind: 'failed', detail, offline } });
}

function begin({ lease, item, reading }: LeaseAnswer, user: Id): void {
  own = lease;
  const copies = localCopies(user, item.id);
  const savedAt = reading.saved_at ? Date.parse(reading.saved_at) : null;
  resetSegments();
  const slices = beginSlices(item.id, copyKey(user, item.id));
  saver = new DraftSaver({
    version: reading.version,
    content: reading.content,
    savedAt,
    save: (version, content, last) => saveWith(slices, version, content, last),
    copies,
    onState: (save) => setRoom({ save }),
  });
  setRoom({
    phase: 'open',
    item,
    lease,
    reading,
    draft: startDraft(reading.content),
    openedRevision: { id: item.study.revision_id, number: item.study.revision },
    save: { kind: 'saved', at: savedAt },
  });
  offerLocalCopy(user, item.id, reading.version, reading.content);
  unfollow = useRoom.subscribe((state, before) => {
    if (state.draft !== before.draft) saver?.change(state.draft.content);
  });
  renewal = setInterval(() => void renew(item.id), RENEW_MS);
  window.addEventListener('online', retrySave);
}

/** Sends a draft; the label maps that it names go before it. */
async function saveWith(
  slices: Slices,
  version: number,
  content: Content,
  last: boolean,
): Promise<Reading> {
  await slices.send(content, last);
  try {
    return await saveReading(slices.item, version, content, last);
  } catch (error) {
    const lost = error instanceof ApiError && error.code === 'unknown_slices';
    if (!lost || last) throw error;
    slices.forgetSent();
    await slices.send(content, last);
    return saveReading(slices.item, version, content, last);
  }
}

/** Work that an earlier tab could not save is put back, or offered if ours moved on. */
function offerLocalCopy(user: Id, item: Id, version: number, content: Content): void {
  const copy = readLocalCopy(user, item);
  if (!copy) return;
  if (sameContent(copy.content, content)) {
    dropCopy(copy.key);
    return;
  }
  if (copy.version === version) {
    const adopted = slicesNow()?.adopt(copy.key);
    setRoom({ draft: startDraft(copy.content), restored: true });
    saver?.change(copy.content); // keeps it under this window's own name
    if (!copy.ours) void adopted?.then(() => dropCopy(copy.key));
    return;
  }
  setRoom({ restorable: copy });
}

async function loadManifest(item: Row): Promise<void> {
  const { id } = item.study;
  const read = takeEarly(`manifest ${id}`, () => readManifest(id));
  const manifest = await read.catch(async (error) => {
    if (error instanceof ApiError && error.status === 403) return openStudy(id);
    throw error;
  });
  setRoom({ manifest });
}

/** Reads the manifest again: a pack has become ready, or late slices have come. */
export async function refreshManifest(): Promise<void> {
  const { item, itemId } = getRoom();
  if (!item) return;
  const manifest = await readManifest(item.study.id);
  if (getRoom().itemId === itemId) setRoom({ manifest });
}

/** Counts what was asked: of several answers that are on their way the last one holds. */
let aiAsked = 0;

/** Reads the AI's findings; a failure is told in the panel and leaves the images be. */
export async function loadAi(itemId: Id): Promise<void> {
  aiAsked += 1;
  const mine = aiAsked;
  const isOver = () => mine !== aiAsked || getRoom().itemId !== itemId;
  try {
    const ai = await takeEarly(`ai ${itemId}`, () => readAi(itemId));
    if (isOver()) return;
    const { activeFinding } = getRoom();
    const findings = findingsOf(ai);
    const first = findings.find((one) => one.positive) ?? findings[0];
    setRoom({ ai, aiFailure: null, activeFinding: activeFinding ?? first?.id ?? null });
  } catch (error) {
    if (!isOver()) setRoom({ aiFailure: error instanceof Error ? error.message : '' });
  }
}

/** The portal says that it is known where findings of an item come from, or why not. */
export function followExplained(item: Id): void {
  if (getRoom().itemId === item) void loadAi(item);
}

async function renew(itemId: Id): Promise<void> {
  try {
    const lease = await renewLease(itemId);
    if (getRoom().itemId === itemId) setRoom({ lease });
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) saver?.lose(lostTo(error));
  }
}

/** The list said that the item changed: late slices, a new band, AI that has finished. */
export function followRow(row: Row): void {
  const { item, itemId } = getRoom();
  if (!item || row.id !== itemId || row.version < item.version) return;
  setRoom({ item: row });
  if (row.ai.state !== item.ai.state) {
    void loadAi(row.id);
    if (item.ai.state === 'blinded') void catchUp(row.id);
  }
}

/** Another window of ours has committed: this one learns of it. */
async function catchUp(itemId: Id): Promise<void> {
  const reading = await readReading(itemId).catch(() => null);
  if (reading && getRoom().itemId === itemId) setRoom({ reading });
}

export function retrySave(): void {
  const { save } = getRoom();
  if (save.kind === 'unsaved') saver?.retry();
}

/** After a conflict: our words are sent over theirs, knowingly. */
export function keepMine(): void {
  const { save, draft } = getRoom();
  if (save.kind !== 'conflict') return;
  saver?.resume(save.theirs.version, save.theirs.content, draft.content);
}

/** After a conflict: what the reader made of both goes on. */
export function keepMerged(content: Content): void {
  const { save } = getRoom();
  if (save.kind !== 'conflict') return;
  const { version, content: theirs } = save.theirs;
  setRoom({ draft: startDraft(content), reading: save.theirs, ask: null });
  saver?.resume(version, theirs, content);
}

/** After a conflict: their words replace ours. */
export function takeTheirs(): void {
  const { save } = getRoom();
  if (save.kind !== 'conflict') return;
  const { version, content } = save.theirs;
  setRoom({ draft: startDraft(content), reading: save.theirs });
  saver?.resume(version, content, content);
}

export function useLocalCopy(take: boolean): void {
  const { restorable } = getRoom();
  if (!restorable) return;
  const adopted = take ? slicesNow()?.adopt(restorable.key) : Promise.resolve();
  void adopted?.then(() => dropCopy(restorable.key));
  setRoom({
    restorable: null,
    ...(take ? { draft: startDraft(restorable.content), restored: true } : {}),
  });
}

/** After a lost lease: tries to have it again and goes on with the work kept here. */
export async function leaseAgain(): Promise<void> {
  const { itemId, draft } = getRoom();
  if (itemId === null) return;
  try {
    const { lease, item, reading } = await leaseItem(itemId);
    own = lease;
    setRoom({ lease, item, reading });
    saver?.resume(reading.version, reading.content, draft.content);
  } catch (error) {
    if (error instanceof ApiError && error.status === 409) saver?.lose(lostTo(error));
  }
}

/** Findings that must be answered before signing: the positive ones. */
export function mustAnswer(findings: readonly Finding[], content: Content) {
  return unanswered(
    findings.filter((finding) => finding.positive),
    content,
  );
}

/** Whether the read is unaided still: AI is hidden and nothing is committed. */
export function isUnaided(reading: Reading | null): boolean {
  return reading?.state === 'unaided';
}

/** Commits the unaided read, then reads what that reveals; throws nothing. */
export async function commitItem(): Promise<boolean> {
  const { itemId } = getRoom();
  if (itemId === null || !saver) return false;
  if (strokesPending()) await strokesSettled();
  setRoom({ phase: 'signing', signProblem: null });
  try {
    await saver.flush();
    const { content } = getRoom().draft;
    const { reading, item } = await commitReading(itemId, saver.version, content);
    saver.resume(reading.version, reading.content, content);
    setRoom({ phase: 'open', reading, item });
    await Promise.all([loadAi(itemId), refreshManifest().catch(() => undefined)]);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) saver.conflict(error);
    setRoom({ phase: 'open', signProblem: problemOf(error) });
    return false;
  }
}

/** Signs; answers the next item when the portal gives one, else null; throws nothing. */
export async function signItem(
  told: ToldBySource = {},
): Promise<{ signed: boolean; next: Row | null }> {
  const { itemId } = getRoom();
  if (itemId === null || !saver) return { signed: false, next: null };
  if (strokesPending()) await strokesSettled();
  setRoom({ phase: 'signing', signProblem: null });
  try {
    await saver.flush();
    const { draft } = getRoom();
    const answer = await signReading(itemId, saver.version, draft.content, told);
    saver.finish();
    end();
    setRoom({ phase: 'signed', reading: answer.reading });
    return { signed: true, next: answer.next };
  } catch (error) {
    if (error instanceof ApiError && error.status === 412) saver.conflict(error);
    setRoom({ phase: 'open', signProblem: problemOf(error) });
    return { signed: false, next: null };
  }
}

function problemOf(error: unknown): string {
  if (error instanceof ApiError) {
    const missing = error.body['missing'];
    if (Array.isArray(missing)) {
      return missing.map((one) => String(one?.detail ?? '')).join(' ');
    }
    if (error.status === 409) saver?.lose(lostTo(error));
    return error.message;
  }
  return '';
}

function end(): void {
  unfollow();
  unfollow = () => undefined;
  clearInterval(renewal);
  window.removeEventListener('online', retrySave);
  saver = null;
}

/**
 * Leaves the room: unsaved work is sent once more, then the lease is released. Work that
 * the portal still lacks is sent later (late-drafts.ts), for which the lease is needed.
 */
export async function leaveItem(release = true): Promise<void> {
  opening = null;
  const { itemId, phase, save } = getRoom();
  const [leaving, lease] = [saver, own];
  if (!leaving || itemId === null) return;
  await strokesSettled();
  await leaving.flush().catch(() => undefined);
  leaving.stop();
  if (saver === leaving) end();
  const sentLater = leaving.dirty && save.kind !== 'conflict';
  if (release && lease && phase === 'open' && save.kind !== 'lost' && !sentLater) {
    await releaseLease(itemId, lease).catch(() => undefined);
  }
}

/** Sends what is unsaved; false when the portal still does not have it after a moment. */
export async function saveNow(): Promise<boolean> {
  await strokesSettled();
  if (!saver?.dirty) return true;
  const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  await Promise.race([saver.flush().catch(() => undefined), patience]);
  return !(saver?.dirty ?? false);
}

/** Something on the screen is not yet on the portal's disk. */
export function hasUnsaved(): boolean {
  return strokesPending() || (saver?.dirty ?? false);
}

/** Reads the item's row again, when the socket was away. */
export async function refreshRow(): Promise<void> {
  const { itemId, ai } = getRoom();
  if (itemId === null) return;
  followRow(await readItem(itemId));
  // That a map has come is said once, to whom the socket reaches.
  const waits = findingsOf(ai).some((one) => whyNoMap(one)?.kind === 'coming');
  if (waits && getRoom().itemId === itemId) await loadAi(itemId);
}
