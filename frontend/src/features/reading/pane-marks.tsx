import { useEffect, useState } from 'react';
import { boxAfter, middleBox } from '@/domain/box-keys';
import { formatProbability } from '@/domain/format';
import {
  type Affine,
  apply,
  type Box,
  boxAround,
  type Point,
  patientToImage,
} from '@/domain/geometry';
import { isMeasurement } from '@/domain/measure/kinds';
import type { Annotation, Finding, Geometry, Verdict } from '@/domain/model';
import type { ImageRef } from '@/imaging/pack';
import type { PaneView } from '@/imaging/view-store';
import { registerBoxKeys } from '@/state/box-keys';
import {
  changeDraft,
  type EditBox,
  findingsOf,
  geometryOf,
  getRoom,
  setRoom,
  useRoom,
} from '@/state/room';
import { text } from '@/text/en';
import { Glyph } from '@/ui/glyph';
import { BoxDrawer, BoxEditor, cornersOf, type Frame } from './box-editor';
import { PlateRow } from './plate-row';

/** The box of a stored place on this very image; null when it is not on it. */
function boxOn(geometry: Geometry | null, image: ImageRef): Box | null {
  if (!geometry) return null;
  if (geometry.space === 'image') {
    const here = geometry.sop_uid === image.sopUid && geometry.frame === image.frame;
    return here ? boxAround(geometry.points) : null;
  }
  if (geometry.sop_uid !== image.sopUid || geometry.frame !== image.frame) return null;
  const points = geometry.points.map((point) =>
    patientToImage(image.plane, [point[0] ?? 0, point[1] ?? 0, point[2] ?? 0]),
  );
  return boxAround(points);
}

function polygonOf(box: Box, matrix: Affine): string {
  return cornersOf(box, matrix)
    .map((corner) => corner.join(','))
    .join(' ');
}

/** The canvas point for a plate: the box's leftmost top. */
function plateAt(box: Box, matrix: Affine): Point {
  const corners = cornersOf(box, matrix);
  return [
    Math.min(...corners.map(([x]) => x)) - 1,
    Math.max(20, Math.min(...corners.map(([, y]) => y)) - 2),
  ];
}

interface AiMark {
  readonly finding: Finding;
  readonly number: number;
  readonly box: Box;
  readonly verdict: Verdict | null;
}

function useAiMarks(image: ImageRef): readonly AiMark[] {
  const ai = useRoom((state) => state.ai);
  const verdicts = useRoom((state) => state.draft.content.verdicts);
  const shown = useRoom((state) => state.marks);
  if (!shown) return [];
  return findingsOf(ai).flatMap((finding, index) => {
    const box = boxOn(finding.location, image);
    if (!box || !finding.positive) return [];
    return [{ finding, number: index + 1, box, verdict: verdicts[finding.id] ?? null }];
  });
}

function AiPlate({ mark }: { mark: AiMark }) {
  const { finding, number, verdict } = mark;
  const rejected = verdict?.verdict === 'reject';
  const label = `${number} ${finding.label.display}`;
  return (
    <span className={rejected ? 'plate ai rejected' : 'plate ai'}>
      {rejected ? <s>{label}</s> : label}
      {finding.probability === null ? null : (
        <b>{formatProbability(finding.probability)}</b>
      )}
      {verdict?.verdict === 'accept' ? <Glyph name="check" small /> : null}
      {rejected ? text.room.panel.rejected.toLowerCase() : null}
    </span>
  );
}

interface HumanMark {
  readonly key: string;
  readonly label: string;
  readonly box: Box;
  readonly annotation: Annotation | null;
}

function useHumanMarks(image: ImageRef): readonly HumanMark[] {
  const { annotations, verdicts } = useRoom((state) => state.draft.content);
  const shown = useRoom((state) => state.own);
  const drawing = useRoom((state) => state.drawing);
  const ai = useRoom((state) => state.ai);
  if (!shown) return [];
  const own = annotations.flatMap((annotation) => {
    const box = isMeasurement(annotation) ? null : boxOn(annotation.geometry, image);
    return box
      ? [{ key: annotation.id, label: annotation.label.display, box, annotation }]
      : [];
  });
  const modified = findingsOf(ai).flatMap((finding) => {
    if (drawing?.kind === 'modify' && drawing.finding === finding.id) return [];
    const verdict = verdicts[finding.id];
    const box = boxOn(verdict?.geometry ?? null, image);
    const label = verdict?.label?.display ?? finding.label.display;
    return box ? [{ key: finding.id, label, box, annotation: null }] : [];
  });
  return [...own, ...modified];
}

/** A mark of one's own, changed by dragging; each drag is one step of undo. */
function OwnEditor({ mark, frame }: { mark: HumanMark; frame: Frame }) {
  const [moving, setMoving] = useState<Box | null>(null);
  const { annotation } = mark;
  if (!annotation) return null;
  return (
    <BoxEditor
      box={moving ?? mark.box}
      frame={frame}
      onChange={setMoving}
      onCommit={(box) => {
        setMoving(null);
        const { geometry } = annotation;
        const edit = {
          sopUid: geometry.sop_uid,
          frame: geometry.frame,
          frameOfReference: geometry.frame_of_reference_uid,
          box,
        };
        changeDraft({
          type: 'change',
          id: annotation.id,
          with: { geometry: geometryOf(edit) },
        });
      }}
    />
  );
}

interface BoxKeys {
  readonly active: boolean;
  readonly change: (box: Box) => void;
  readonly finish: (box: Box) => void;
}

/** Enter begins a box and ends it; arrows move it, with Shift its far corner. */
function takeStroke(
  stroke: string,
  box: Box | null,
  size: ImageRef,
  { change, finish }: BoxKeys,
): boolean {
  if (stroke === 'Enter') {
    if (box === null) change(middleBox(size));
    else finish(box);
    return true;
  }
  const next = box === null ? null : boxAfter(box, stroke, size);
  if (next !== null) change(next);
  return next !== null;
}

function useBoxKeys(box: Box | null, size: ImageRef, keys: BoxKeys): void {
  useEffect(() => {
    if (!keys.active) return;
    return registerBoxKeys((stroke) => takeStroke(stroke, box, size, keys));
  });
}

type Place = Omit<EditBox, 'box'>;

/** A box that modifies is changed further; a new one is asked what it is. */
function finishBox(here: Place, box: Box): void {
  const { drawing } = getRoom();
  if (drawing?.kind === 'modify') setRoom({ editBox: { ...here, box } });
  else setRoom({ drawing: null, ask: { kind: 'label', ...here, box } });
}

/** Drawing of a new box, or changing the one that "modify" works on. */
function Drawing({ view, frame }: { view: PaneView; frame: Frame }) {
  const drawing = useRoom((state) => state.drawing);
  const editBox = useRoom((state) => state.editBox);
  const [drawn, setDrawn] = useState<Box | null>(null);
  const { image } = view;
  const here = {
    sopUid: image.sopUid,
    frame: image.frame,
    frameOfReference: image.frameOfReference,
  };
  const finish = (box: Box) => {
    setDrawn(null);
    finishBox(here, box);
  };
  const change = (box: Box) =>
    editBox ? setRoom({ editBox: { ...editBox, box } }) : setDrawn(box);
  useBoxKeys(editBox?.box ?? drawn, image, {
    active: drawing !== null,
    change,
    finish: editBox ? () => undefined : finish,
  });
  if (!drawing) return null;
  const editing =
    drawing.kind === 'modify' &&
    editBox?.sopUid === image.sopUid &&
    editBox.frame === image.frame;
  if (editing) {
    return (
      <BoxEditor box={editBox.box} frame={frame} onChange={change} onCommit={change} />
    );
  }
  if (drawing.kind === 'modify' && editBox !== null) return null;
  return <BoxDrawer frame={frame} drawn={drawn} onDrawing={setDrawn} onDrawn={finish} />;
}

function Hint() {
  const drawing = useRoom((state) => state.drawing);
  const editBox = useRoom((state) => state.editBox);
  if (!drawing) return null;
  if (drawing.kind === 'missed')
    return <p className="pane-hint">{text.room.missed.hint}</p>;
  return editBox ? null : <p className="pane-hint">{text.room.modify.drawHint}</p>;
}

/** The box whose label is being asked for stays on the image. */
function Asked({ view }: { view: PaneView }) {
  const ask = useRoom((state) => state.ask);
  if (ask?.kind !== 'label') return null;
  if (ask.sopUid !== view.image.sopUid || ask.frame !== view.image.frame) return null;
  return <polygon className="mark-human" points={polygonOf(ask.box, view.matrix)} />;
}

/** AI's marks (violet, dashed) and the reader's (teal, solid) over one image. */
export function PaneMarks({ view, active }: { view: PaneView; active: boolean }) {
  const { image, matrix } = view;
  const aiMarks = useAiMarks(image);
  const humanMarks = useHumanMarks(image);
  const selected = useRoom((state) => state.activeAnnotation);
  const frame: Frame = { columns: image.columns, rows: image.rows, matrix };
  return (
    <>
      <svg className="marks" aria-hidden="true">
        {aiMarks.map(({ finding, box, verdict }) => {
          const points = polygonOf(box, matrix);
          const answered = verdict && verdict.verdict !== 'accept';
          return (
            <g key={finding.id} data-finding={finding.id}>
              <polygon className="mark-halo" points={points} />
              <polygon
                className={answered ? 'mark-ai answered' : 'mark-ai'}
                points={points}
              />
            </g>
          );
        })}
        {humanMarks.map((mark) =>
          mark.annotation && mark.key === selected ? (
            <OwnEditor key={mark.key} mark={mark} frame={frame} />
          ) : (
            <polygon
              key={mark.key}
              className="mark-human"
              points={polygonOf(mark.box, matrix)}
            />
          ),
        )}
        <Asked view={view} />
        {active ? <Drawing view={view} frame={frame} /> : null}
      </svg>
      {aiMarks.map((mark) => (
        <PlateRow
          key={mark.finding.id}
          at={plateAt(mark.box, matrix)}
          end={rightOf(mark.box, matrix)}
        >
          <AiPlate mark={mark} />
        </PlateRow>
      ))}
      {humanMarks.map((mark) => (
        <PlateRow
          key={mark.key}
          at={[
            apply(matrix, [mark.box.x0, mark.box.y1])[0],
            plateBelow(mark.box, matrix),
          ]}
          end={rightOf(mark.box, matrix)}
        >
          <span className="plate human">
            <Glyph name="check" small />
            {mark.label}
          </span>
        </PlateRow>
      ))}
      {active ? <Hint /> : null}
    </>
  );
}

function rightOf(box: Box, matrix: Affine): number {
  return Math.max(...cornersOf(box, matrix).map(([x]) => x));
}

/** A person's plate hangs under the box, so that it never covers AI's. */
function plateBelow(box: Box, matrix: Affine): number {
  return Math.max(...cornersOf(box, matrix).map(([, y]) => y)) + 23;
}
