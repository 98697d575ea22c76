import { create } from 'zustand';
import {
  type Draft,
  type DraftAction,
  EMPTY_CONTENT,
  reduceDraft,
  startDraft,
} from '@/domain/draft';
import { visibleFindings } from '@/domain/findings';
import { type Box, boxAround, boxPoints, type Point } from '@/domain/geometry';
import { countOf, keptIn, type Layout, MOST_PANES } from '@/domain/layout';
import type { MeasureTool } from '@/domain/measure/kinds';
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
import type { SegmentTool } from '@/domain/segment/tools';
import type { GreyWindow } from '@/domain/windows';
import type { SaveState } from './draft-saver';
import type { KeptCopy } from './local-copies';

/** 'cross' moves the crosshairs: it is there in the three-plane view only. */
export type Tool =
  | 'scroll'
  | 'window'
  | 'pan'
  | 'zoom'
  | 'cross'
  | 'magnify'
  | MeasureTool
  | SegmentTool;

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
  | { readonly kind: 'commit' }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'leave' }
  | { readonly kind: 'band' }
  | { readonly kind: 'send_back' }
  | { readonly kind: 'amend' }
  | { readonly kind: 'discussion' };

/** The box that is being changed on an image. */
export interface EditBox {
  readonly sopUid: string;
  readonly frame: number;
  readonly frameOfReference: string | null;
  readonly box: Box;
}

/** How a pane begins, as its hanging asks for. */
export interface PaneStart {
  /** The image to begin with; null begins as usual. */
  readonly sopUid: string | null;
  readonly window: GreyWindow | null;
  /** Which edge of the pane the image leans on, as a breast's chest wall does. */
  readonly lean: 'left' | 'right' | null;
}

export interface Pane {
  /** Index of the series in its study's pack; null shows nothing. */
  readonly series: number | null;
  /** An earlier study of the patient; absent means the one that is read. */
  readonly study?: Id;
  readonly start?: PaneStart;
  /** Index of a series that is laid over this one, as PET over CT. */
  readonly over?: number;
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
  readonly phase: 'opening' | 'open' | 'looking' | 'refused' | 'signing' | 'signed';
  readonly refusal: Refusal | null;
  readonly item: Row | null;
  /** The revision that was opened; a later one raises the late-slices banner. */
  readonly openedRevision: { readonly id: Id; readonly number: number } | null;
  readonly lateConfirmed: boolean;
  readonly lease: Lease | null;
  readonly reading: Reading | null;
  /** What is looked at waits for this person's verification. */
  readonly mayVerify: boolean;
  /** The signed reading that is looked at is this person's to amend. */
  readonly mayAmend: boolean;
  readonly draft: Draft;
  readonly save: SaveState;
  readonly restorable: KeptCopy | null;
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
  /** The pane that fills the stage for the moment; the others wait behind it. */
  readonly maximised: number | null;
  /** Series (index in the pack) that is shown in three planes; null shows stacks. */
  readonly mpr: number | null;
  readonly jump: Jump | null;
  readonly drawing: Drawing | null;
  readonly ask: Ask | null;
  readonly editBox: EditBox | null;
  readonly activeAnnotation: Id | null;
  readonly lastLabel: Coded | null;
}

const EMPTY_PANES: readonly Pane[] = Array.from({ length: MOST_PANES }, () => ({
  series: null,
}));

export const useRoom = create<RoomState>(() => ({
  itemId: null,
  phase: 'opening',
  refusal: null,
  item: null,
  openedRevision: null,
  lateConfirmed: false,
  lease: null,
  reading: null,
  mayVerify: false,
  mayAmend: false,
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
  maximised: null,
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
  return visibleFindings(ai);
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

/** Hangs something in a pane and makes that pane the active one. */
export function hangIn(pane: number, hung: Pane): void {
  leaveMpr();
  const panes = getRoom().panes.map((one, index) => (index === pane ? hung : one));
  setRoom({ panes, activePane: pane });
}

export function showSeries(series: number, pane = getRoom().activePane): void {
  hangIn(pane, { series });
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
  const visible = panes.slice(0, countOf(layout));
  const holds = (one: Pane | undefined) => one?.series === series && !one.study;
  const holder = visible.findIndex(holds);
  const pane = holds(visible[activePane]) || holder < 0 ? activePane : holder;
  if (!holds(visible[pane])) showSeries(series, pane);
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
  const holder = panes
    .slice(0, countOf(layout))
    .findIndex((one) => one.series === mpr && !one.study);
  setRoom({
    mpr: null,
    jump: null,
    activePane: Math.max(0, holder),
    tool: tool === 'cross' ? 'window' : tool,
  });
}

/** Another grid: what hangs keeps its row and column, new panes are filled. */
export function chooseLayout(layout: Layout): void {
  leaveMpr();
  const { activePane, panes, layout: before } = getRoom();
  const kept = keptIn(before, layout);
  const filled = fillPanes(
    kept.map((from) => (from === null ? undefined : panes[from]) ?? { series: null }),
  );
  const place = kept.indexOf(activePane);
  setRoom({
    layout,
    panes: [...filled, ...EMPTY_PANES.slice(filled.length)],
    activePane: Math.max(0, place),
    maximised: null,
  });
}

/** Into empty panes, series that no pane shows yet, in the order of the study. */
function fillPanes(panes: readonly Pane[]): readonly Pane[] {
  const shown = new Set(panes.filter((one) => !one.study).map((one) => one.series));
  const unseen = (getRoom().manifest?.series ?? []).filter(
    (one) => one.displayable !== false && !shown.has(one.index),
  );
  return panes.map((pane) =>
    pane.series === null ? { series: unseen.shift()?.index ?? null } : pane,
  );
}

/** One pane over the whole stage, or all of them again. */
export function toggleMaximised(pane = getRoom().activePane): void {
  const { maximised, layout } = getRoom();
  if (maximised !== null) setRoom({ maximised: null });
  else if (countOf(layout) > 1) setRoom({ maximised: pane, activePane: pane });
}

/** The next or previous series of the same study in the active pane. */
export function stepSeries(by: number, indices: readonly number[]): void {
  const { panes, activePane } = getRoom();
  const pane = panes[activePane];
  if (!pane || indices.length === 0) return;
  const at = pane.series === null ? -by : indices.indexOf(pane.series);
  const next = indices[(at + by + indices.length) % indices.length];
  if (next === undefined) return;
  hangIn(activePane, pane.study ? { series: next, study: pane.study } : { series: next });
}

const PLANES_SHOWN = 3;

export function nextPane(): void {
  const { activePane, layout, mpr, maximised } = getRoom();
  const count = mpr === null ? countOf(layout) : PLANES_SHOWN;
  const next = (activePane + 1) % count;
  setRoom({ activePane: next, maximised: maximised === null ? null : next });
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
