import { borrowToken } from '@/api/client';
import { askEarly, isMissed } from '@/api/early';
import { leaseItem, readAi, readManifest, readSession } from '@/api/endpoints';
import { readHangings } from '@/api/hanging-endpoints';
import { visibleFindings } from '@/domain/findings';
import type { Ai, Id, Session } from '@/domain/model';
import { beginFrame, warmDecoder } from '@/imaging/decode-pool';
import { readIndex, readStack } from '@/imaging/pack';
import { isToLookAt } from '@/state/looking';
import { firstSeries, markedInstance } from './first-shown';

const ROOM = /^\/read\/([\w-]+)\/?$/;

const mayAsk = ({ user }: Session) => user !== null && !user.must_change_password;

/** What AI shows decides which image is first; without it the first one is. */
const findingsIn = (ai: Promise<Ai>) => ai.then(visibleFindings, () => []);

/** Brings in all that the first image is made of, each thing as soon as it can be named. */
async function bring(itemId: Id, session: Promise<Session>): Promise<void> {
  // The lease need not wait for the session where the browser has its token already.
  if (!borrowToken() && !mayAsk(await session)) return;
  const { item } = await askEarly(`lease ${itemId}`, () => leaseItem(itemId));
  const { id: study, revision_id } = item.study;
  const base = `/pixels/${revision_id}/`;
  const ai = askEarly(`ai ${itemId}`, () => readAi(itemId));
  ask(`manifest ${study}`, () => readManifest(study));
  const index = await askEarly(`index ${base}`, () => readIndex(base));
  // A decoder takes as long to start as what it waits for takes to come.
  const likely = firstSeries(index, [])?.instances[0];
  if (likely && likely.ext !== 'raw') warmDecoder(likely.transfer_syntax);
  const findings = await findingsIn(ai);
  const series = firstSeries(index, findings);
  if (!series) return;
  const first = markedInstance(series, findings);
  const name = `stack ${base} ${series.index}`;
  if (!isMissed(name)) {
    ask(name, () => readStack(base, series));
    if (first?.ext === 'raw') beginFrame(`${base}frames/${first.sop_uid}/1.raw`);
  }
  ask(`hangings ${study}`, () => readHangings(study));
}

/** Asks for what is only handed on, unless the application has done so. */
function ask(name: string, read: () => Promise<unknown>): void {
  if (!isMissed(name)) void askEarly(name, read).catch(() => undefined);
}

/** Whether it is the address of a study's room. */
export function isRoom(path: string): boolean {
  return ROOM.test(path);
}

/**
 * Asks for what the page begins with, while the application is still on its way: the
 * session and, at the address of a study's room, all of its first image. It is what the
 * application would ask for, in its order, and the application takes it over.
 *
 * @param path of the address.
 */
export function headStart(path: string): void {
  const session = askEarly('session', readSession);
  const itemId = ROOM.exec(path)?.[1];
  // What fails is asked for again by the application, and told then.
  // Of a signed study no lease can be had, and with it nothing early.
  if (itemId && !isToLookAt()) void bring(itemId, session).catch(() => undefined);
}
