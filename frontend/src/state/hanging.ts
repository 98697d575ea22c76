import { create } from 'zustand';
import { takeEarly } from '@/api/early';
import { readHangings, readPriors } from '@/api/hanging-endpoints';
import type { Hanging, Hangings, HungPane, Prior } from '@/domain/hanging';
import { countOf, layoutOf, MOST_PANES, sidesOf } from '@/domain/layout';
import type { Id } from '@/domain/model';
import type { GreyWindow } from '@/domain/windows';
import { getRoom, leaveMpr, type Pane, setRoom } from './room';

interface HangingState {
  readonly study: Id | null;
  readonly hangings: Hangings | null;
  /** The portal did not say how to hang the study; the room goes on without. */
  readonly failed: boolean;
  /** Id of what hangs now; null once the reader arranged it otherwise. */
  readonly applied: string | null;
  readonly priors: readonly Prior[] | null;
  readonly priorsFailed: boolean;
  /** Earlier studies that the reader unfolded: only these are loaded. */
  readonly opened: readonly Id[];
  /** The form that saves a layout is open. */
  readonly saving: boolean;
}

const EMPTY: HangingState = {
  study: null,
  hangings: null,
  failed: false,
  applied: null,
  priors: null,
  priorsFailed: false,
  opened: [],
  saving: false,
};

export const useHangings = create<HangingState>(() => EMPTY);
export const getHangings = useHangings.getState;
export const setHangings = useHangings.setState;

/** Asks how a study hangs and what came before it. */
export async function loadHangings(study: Id): Promise<void> {
  setHangings({ ...EMPTY, study });
  const here = () => getHangings().study === study;
  const hang = takeEarly(`hangings ${study}`, () => readHangings(study)).then(
    (hangings) => {
      if (here()) setHangings({ hangings });
    },
    () => {
      if (here()) setHangings({ failed: true });
    },
  );
  await Promise.all([hang, loadPriors(study)]);
}

export async function loadPriors(study: Id): Promise<void> {
  try {
    const priors = await readPriors(study);
    if (getHangings().study === study) setHangings({ priors, priorsFailed: false });
  } catch {
    if (getHangings().study === study) setHangings({ priorsFailed: true });
  }
}

/** Asks again which layouts there are, after one was saved or deleted. */
export async function refreshHangings(): Promise<void> {
  const { study } = getHangings();
  if (study === null) return;
  const hangings = await readHangings(study);
  if (getHangings().study === study) setHangings({ hangings });
}

interface Indexed {
  readonly index: number;
  readonly uid: string;
}

function paneOf(hung: HungPane, series: readonly Indexed[]): Pane {
  const find = (uid: string) => series.find((one) => one.uid === uid)?.index;
  const over = find(hung.over_uid);
  return {
    series: find(hung.series_uid) ?? null,
    start: {
      sopUid: hung.sop_uid || null,
      window: hung.window,
      lean: hung.lean || null,
    },
    ...(over === undefined ? {} : { over }),
  };
}

/** Hangs a study by a protocol that the portal applied to it. */
export function applyHanging(hanging: Hanging, series: readonly Indexed[]): void {
  leaveMpr();
  const panes = hanging.panes.map((one) => paneOf(one, series));
  const empty = Array.from({ length: MOST_PANES - panes.length }, () => ({
    series: null,
  }));
  setRoom({
    layout: layoutOf(hanging.rows, hanging.columns),
    panes: [...panes, ...empty],
    activePane: 0,
    maximised: null,
    jump: null,
  });
  setHangings({ applied: hanging.id });
}

/** What the viewports show now, in the words of the portal; priors are left out. */
export function hungNow(
  series: readonly Indexed[],
  windowOf: (pane: number) => GreyWindow | null,
): {
  readonly rows: number;
  readonly columns: number;
  readonly panes: readonly HungPane[];
} {
  const { panes, layout } = getRoom();
  const uid = (index: number | null | undefined) =>
    series.find((one) => one.index === index)?.uid ?? '';
  const shown = panes.slice(0, countOf(layout)).map((pane, place) => ({
    series_uid: pane.study ? '' : uid(pane.series),
    sop_uid: pane.start?.sopUid ?? '',
    window: pane.study ? null : windowOf(place),
    lean: pane.start?.lean ?? ('' as const),
    over_uid: uid(pane.over),
  }));
  return { ...sidesOf(layout), panes: shown };
}

/** Unfolds an earlier study: from here on it may be loaded, which is on record. */
export function openPrior(study: Id): void {
  const { opened } = getHangings();
  if (!opened.includes(study)) setHangings({ opened: [...opened, study] });
}
