import { readInterpolation, startInterpolation } from '@/api/segment-endpoints';
import { getRoom } from './room';
import { slicesNow } from './segment-slices';
import {
  getSegmenting,
  type SegmentJob,
  segmentationNow,
  setSegmenting,
  strokesSettled,
  takeSlices,
} from './segmenting';

const POLL_MS = 500;
/** An answer that takes longer is given up. */
const PATIENCE_MS = 120_000;

function tell(seriesUid: string, job: SegmentJob | null): void {
  const { [seriesUid]: _before, ...others } = getSegmenting().jobs;
  setSegmenting({ jobs: job ? { ...others, [seriesUid]: job } : others });
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for the portal's answer, as long as the room is the same. */
async function outcome(
  item: string,
  id: string,
  onState: (state: SegmentJob['state']) => void,
) {
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until && getRoom().itemId === item) {
    const answer = await readInterpolation(item, id);
    onState(answer.state);
    if (answer.state === 'done' || answer.state === 'failed') return answer;
    await wait(POLL_MS);
  }
  return null;
}

async function run(item: string, seriesUid: string, number: number): Promise<SegmentJob> {
  await strokesSettled();
  const one = segmentationNow(seriesUid);
  if (!one) throw new Error('few');
  const { slices, rows, columns } = one;
  await slicesNow()?.send(getRoom().draft.content, false);
  const body = { series_uid: seriesUid, number, slices, rows, columns };
  const id = await startInterpolation(item, body);
  const answer = await outcome(item, id, (state) =>
    tell(seriesUid, { number, state, detail: '' }),
  );
  if (answer?.state !== 'done') {
    return { number, state: 'failed', detail: answer?.reason ?? '' };
  }
  if (getRoom().itemId === item) await takeSlices(seriesUid, slices, answer.slices);
  return { number, state: 'done', detail: '' };
}

/** Fills the images between those that a segment was drawn on; one step of undo. */
export async function interpolate(seriesUid: string, number: number): Promise<void> {
  const { itemId } = getRoom();
  const { jobs } = getSegmenting();
  const state = jobs[seriesUid]?.state;
  if (itemId === null || state === 'queued' || state === 'running') return;
  tell(seriesUid, { number, state: 'queued', detail: '' });
  const job = await run(itemId, seriesUid, number).catch(
    (error: unknown): SegmentJob => ({
      number,
      state: 'failed',
      detail: error instanceof Error ? error.message : '',
    }),
  );
  if (getRoom().itemId === itemId) tell(seriesUid, job);
}
