import { create } from 'zustand';
import {
  type Draft,
  type DraftAction,
  EMPTY_CONTENT,
  reduceDraft,
  startDraft,
} from '@/domain/draft';
import { type Box, boxAround, boxPoints, type Point } from '@/domain/geometry';
import type {
  Ai,
  Coded,
  Finding,
  Geometry,
  Id,
  Lease,
  Manifest,
  Reading,
  Row,
  Verdict,
} from '@/domain/model';
import type { SaveState } from './draft-saver';
import type { LocalCopy } from './local-copies';

/** 'cross' moves the crosshairs: it is there in the three-plane view only. */
export type Tool = 'scroll' | 'window' | 'pan' | 'zoom' | 'cross';
export type Layout = '1x1' | '1x2' | '2x2';

export const PANES: Readonly<Record<Layout, number>> = { '1x1': 1, '1x2': 2, '2x2': 4 };

/** What the reader is drawing on the image, if anything. */
export type Drawing =
  | { readonly kind: 'missed' }
  | { readonly kind: 'modify'; readonly finding: Id };

/** A small form that waits for the reader's words. */
export type Ask =
  | { readonly kind: 'reject'; readonly finding: Id }
  | { readonly kind: 'modify'; readonly finding: Id }
  | {
      readonly kind: 'label';
      readonly sopUid: string;
      readonly frame: number;
      readonly frameOfReference: string | null;
      readonly box: Box;
    }
  | { readonly kind: 'band' };

/** The box that is being changed on an image. */
export interface EditBox {
  readonly sopUid: string;
  readonly frame: number;
  readonly frameOfReference: string | null;
  readonly box: Box;
}

export interface Pane {
  /** Index of the series in the pack; null shows nothing. */
  readonly series: number | null;
}

/** Ask a pane to show one image. Each request is a new object. */
export interface Jump {
  readonly pane: number;
  readonly sopUid: string;
  readonly frame: number;
  /** What to look at on it, (column, row) in image space. */
  readonly at: Point | null;
}

export type Refusal =
  | {
      readonly kind: 'leased';
      readonly holder: string;
      readonly since: string | null;
      readonly until: string | null;
    }
  | { readonly kind: 'failed'; readonly detail: string; readonly offline: boolean };

export interface RoomState {
  readonly itemId: Id | null;
  readonly phase: 'opening' | 'open' | 'refused' | 'signing' | 'signed';
  readonly refusal: Refusal | null;
  readonly item: Row | null;
  /** The revision that was opened; a later one raises the late-slices banner. */
  readonly openedRevision: { readonly id: Id; readonly number: number } | null;
  readonly lateConfirmed: boolean;
  readonly lease: Lease | null;
  readonly reading: Reading | null;
  readonly draft: Draft;
  readonly save: SaveState;
  readonly restorable: LocalCopy | null;
  readonly restored: boolean;
  readonly ai: Ai | null;
  readonly aiFailure: string | null;
  readonly manifest: Manifest | null;
  readonly activeFinding: Id | null;
  readonly signProblem: string | null;
  readonly marks: boolean;
  readonly saliency: boolean;
  /** Of findings' shapes, 0 (outline only) to 1. */
  readonly maskOpacity: number;
  readonly own: boolean;
  readonly tool: Tool;
  readonly layout: Layout;
  readonly panes: readonly Pane[];
  readonly activePane: number;
  /** Series (index in the pack) that is shown in three planes; null shows stacks. */
  readonly mpr: number | null;
  readonly jump: Jump | null;
  readonly drawing: Drawing | null;
  readonly ask: Ask | null;
  readonly editBox: EditBox | null;
  readonly activeAnnotation: Id | null;
  readonly lastLabel: Coded | null;
}

const EMPTY_PANES: readonly Pane[] = [0, 1, 2, 3].map(() => ({ series: null }));

export const useRoom = create<RoomState>(() => ({
  itemId: null,
  phase: 'opening',
  refusal: null,
  item: null,
  openedRevision: null,
  lateConfirmed: false,
  lease: null,
  reading: null,
  draft: startDraft(EMPTY_CONTENT),
  save: { kind: 'saved', at: null },
  restorable: null,
  restored: false,
  ai: null,
  aiFailure: null,
  manifest: null,
  activeFinding: null,
  signProblem: null,
  marks: true,
  saliency: false,
  maskOpacity: 0.25,
  own: true,
  tool: 'window',
  layout: '1x1',
  panes: EMPTY_PANES,
  activePane: 0,
  mpr: null,
  jump: null,
  drawing: null,
  ask: null,
  editBox: null,
  activeAnnotation: null,
  lastLabel: null,
}));

export const getRoom = useRoom.getState;
export const setRoom = useRoom.setState;

export function resetRoom(itemId: Id): void {
  const { tool, layout, maskOpacity } = getRoom();
  setRoom({
    ...useRoom.getInitialState(),
    itemId,
    tool: tool === 'cross' ? 'window' : tool,
    layout,
    maskOpacity,
  });
}

/** Findings that may be shown to this reader, of all runs, in the portal's order. */
export function findingsOf(ai: Ai | null): readonly Finding[] {
  return ai?.visible ? ai.runs.flatMap((run) => run.findings) : [];
}

/** The reading can be changed: it is open, ours and not yet signed. */
export function canWrite(state: RoomState): boolean {
  return state.phase === 'open' && state.save.kind !== 'lost';
}

/** Applies an action to the draft; the saver follows the store. */
export function changeDraft(action: DraftAction): void {
  const state = getRoom();
  if (!canWrite(state)) return;
  const draft = reduceDraft(state.draft, action);
  if (draft !== state.draft) setRoom({ draft, signProblem: null });
}

export function showSeries(series: number, pane = getRoom().activePane): void {
  leaveMpr();
  const panes = getRoom().panes.map((one, index) => (index === pane ? { series } : one));
  setRoom({ panes, activePane: pane });
}

/** Shows an image: in the active pane, or in the one that has its series already. */
export function jumpTo(
  series: number,
  sopUid: string,
  frame: number,
  at: Point | null = null,
): void {
  if (getRoom().mpr === series) {
    setRoom({ jump: { pane: 0, sopUid, frame, at } });
    return;
  }
  leaveMpr();
  const { panes, activePane, layout } = getRoom();
  const visible = panes.slice(0, PANES[layout]);
  const holder = visible.findIndex((pane) => pane.series === series);
  const pane = visible[activePane]?.series === series || holder < 0 ? activePane : holder;
  if (visible[pane]?.series !== series) showSeries(series, pane);
  setRoom({ jump: { pane, sopUid, frame, at }, activePane: pane });
}

/** Shows a series in three planes; the crosshairs come with them. */
export function enterMpr(series: number): void {
  setRoom({
    mpr: series,
    tool: 'cross',
    activePane: 0,
    jump: null,
    drawing: null,
    editBox: null,
  });
}

/** Back to the stacks, as they hung. */
export function leaveMpr(): void {
  const { mpr, tool, panes, layout } = getRoom();
  if (mpr === null) return;
  const holder = panes.slice(0, PANES[layout]).findIndex((one) => one.series === mpr);
  setRoom({
    mpr: null,
    jump: null,
    activePane: Math.max(0, holder),
    tool: tool === 'cross' ? 'window' : tool,
  });
}

export function chooseLayout(layout: Layout): void {
  leaveMpr();
  const { activePane, panes } = getRoom();
  const count = PANES[layout];
  const filled = panes.map((pane, index) =>
    index < count && pane.series === null ? { series: nextSeries(panes, index) } : pane,
  );
  setRoom({ layout, panes: filled, activePane: Math.min(activePane, count - 1) });
}

/** For a pane that opens: the first displayable series that no pane shows yet. */
function nextSeries(panes: readonly Pane[], pane: number): number | null {
  const shown = new Set(panes.map((one) => one.series));
  const free = (getRoom().manifest?.series ?? []).filter(
    (one) => one.displayable !== false,
  );
  const unseen = free.filter((one) => !shown.has(one.index));
  return unseen[Math.max(0, pane - 1)]?.index ?? null;
}

const PLANES_SHOWN = 3;

export function nextPane(): void {
  const { activePane, layout, mpr } = getRoom();
  const count = mpr === null ? PANES[layout] : PLANES_SHOWN;
  setRoom({ activePane: (activePane + 1) % count });
}

/** Answers a finding, then rests on the next one that waits for an answer. */
export function answerFinding(finding: Id, verdict: Verdict): void {
  changeDraft({ type: 'answer', finding, verdict });
  const state = getRoom();
  const open = findingsOf(state.ai).filter(
    (one) => one.positive && !(one.id in state.draft.content.verdicts),
  );
  setRoom({
    ask: null,
    drawing: null,
    editBox: null,
    activeFinding: open[0]?.id ?? finding,
  });
}

/** Opens the form for a changed label and box, and lets the box be edited on the image. */
export function startModify(finding: Finding): void {
  const known =
    getRoom().draft.content.verdicts[finding.id]?.geometry ?? finding.location;
  const box = known?.space === 'image' ? boxAround(known.points) : null;
  const editBox =
    known && box
      ? {
          sopUid: known.sop_uid,
          frame: known.frame,
          frameOfReference: known.frame_of_reference_uid,
          box,
        }
      : null;
  setRoom({
    editBox,
    activeFinding: finding.id,
    marks: true,
    ask: { kind: 'modify', finding: finding.id },
    drawing: { kind: 'modify', finding: finding.id },
  });
}

/** The stored form of a box on an image. */
export function geometryOf(edit: EditBox): Geometry {
  return {
    kind: 'box',
    space: 'image',
    sop_uid: edit.sopUid,
    frame: edit.frame,
    frame_of_reference_uid: edit.frameOfReference,
    points: boxPoints(edit.box),
  };
}

/** Ends drawing and asking without changing anything. Says whether there was any. */
export function endAsking(): boolean {
  const { drawing, ask, editBox } = getRoom();
  setRoom({ drawing: null, ask: null, editBox: null });
  return drawing !== null || ask !== null || editBox !== null;
}
