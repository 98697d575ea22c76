import './measure.css';
import { type FormEvent, useMemo, useRef, useState } from 'react';
import type { SignedMark } from '@/api/marks-endpoints';
import { type Affine, apply, type Point } from '@/domain/geometry';
import { shaped } from '@/domain/measure/gesture';
import { isMeasureTool, type Scale, toolOf } from '@/domain/measure/kinds';
import { placePlates } from '@/domain/measure/plates';
import { scaleAt, whyNoScale } from '@/domain/measure/regions';
import { gripsOf, type Line, linesOf, pairs, pointAt } from '@/domain/measure/shapes';
import { measuredBy } from '@/domain/measure/values';
import type { Annotation, GeometryKind, Id, Measured } from '@/domain/model';
import { isColour } from '@/imaging/pack';
import type { PaneView } from '@/imaging/view-store';
import {
  calibrate,
  type MarkedImage,
  removeMark,
  renameMark,
  scaleNow,
  setMeasuring,
  useMeasuring,
} from '@/state/measuring';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { markLines } from '@/text/en-measure';
import { imageOf, kindDrawn, type Marking, marksOn, useMarking } from './use-marking';
import { useSignedMarks } from './use-signed-marks';

/** A mark as it is drawn now: stored, being dragged, or being made. */
interface Shown {
  readonly id: string;
  readonly kind: GeometryKind;
  readonly points: readonly Point[];
  readonly measured: Measured;
  readonly text: string;
  readonly active: boolean;
  readonly isNew: boolean;
}

function pathOf({ points, closed }: Line, matrix: Affine): string {
  const seen = points.map((point) =>
    apply(matrix, point)
      .map((one) => one.toFixed(1))
      .join(' '),
  );
  return seen.length === 0 ? '' : `M${seen.join('L')}${closed ? 'Z' : ''}`;
}

const CROSS = 7;
const TICK = 5;
const HEAD = 11;

/** Across both ends of a line on the screen. */
function ticksOf(p: Point, q: Point): string {
  const size = Math.hypot(q[0] - p[0], q[1] - p[1]) || 1;
  const [ax, ay] = [(-(q[1] - p[1]) / size) * TICK, ((q[0] - p[0]) / size) * TICK];
  return [p, q].map(([x, y]) => `M${x - ax} ${y - ay}L${x + ax} ${y + ay}`).join('');
}

function headOf(tail: Point, tip: Point): string {
  const angle = Math.atan2(tail[1] - tip[1], tail[0] - tip[0]);
  const side = (turn: number) =>
    `${tip[0] + HEAD * Math.cos(angle + turn)} ${tip[1] + HEAD * Math.sin(angle + turn)}`;
  return `M${side(0.45)}L${tip[0]} ${tip[1]}L${side(-0.45)}`;
}

function crossAt([x, y]: Point): string {
  const [a, b] = [2, CROSS];
  return `M${x - b} ${y}H${x - a}M${x + a} ${y}H${x + b}M${x} ${y - b}V${y - a}M${x} ${y + a}V${y + b}`;
}

/** What is drawn beside the lines, always as large on the screen. */
function endsOf(kind: GeometryKind, seen: readonly Point[]): string {
  const at = (index: number) => pointAt(seen, index);
  if (kind === 'point') return crossAt(at(0));
  if (kind === 'arrow') return headOf(at(0), at(1));
  if (kind === 'length') return ticksOf(at(0), at(1));
  if (kind === 'bidirectional' && seen.length > 3)
    return ticksOf(at(0), at(1)) + ticksOf(at(2), at(3));
  return '';
}

interface ShapeProps {
  readonly mark: Shown;
  readonly view: PaneView;
  readonly scale: Scale;
  /** It cannot be dragged here: it has no grips. */
  readonly still?: boolean;
}

function Shape({ mark, view, scale, still = false }: ShapeProps) {
  const { kind, points, active } = mark;
  const grip = useMeasuring((state) => state.grip);
  const seen = points.map((point) => apply(view.matrix, point));
  const d =
    linesOf(kind, points, scaleAt(points, scale))
      .map((line) => pathOf(line, view.matrix))
      .join('') + endsOf(kind, seen);
  const grips = !still && (active || mark.isNew) ? gripsOf(kind, points) : [];
  return (
    <g data-mark={mark.id} data-kind={kind}>
      <path className="mark-halo" d={d} />
      <path className={active ? 'mark-human active' : 'mark-human'} d={d} />
      {kind === 'point'
        ? null
        : grips.map((point, index) => {
            const [cx, cy] = apply(view.matrix, point);
            return (
              <circle
                // biome-ignore lint/suspicious/noArrayIndexKey: a grip is its place
                key={index}
                className={active && index === grip ? 'measure-grip on' : 'measure-grip'}
                cx={cx}
                cy={cy}
                r={4}
              />
            );
          })}
    </g>
  );
}

/** What stands beside a mark; a colour image's pixel has no value, and that is said. */
function linesBeside(mark: Shown, { image }: PaneView): readonly string[] {
  const why = whyNoScale(mark.points, image.spacing);
  const lines = markLines(mark.text, mark.measured, why);
  const empty = mark.kind === 'point' && mark.measured.values.length === 0;
  return empty && isColour(image) ? [...lines, text.measure.noPixelValue] : lines;
}

/** The points on the screen that a mark's words stand beside. */
function seenOf({ kind, points }: Shown, view: PaneView): readonly Point[] {
  const anchor = kind === 'arrow' ? points.slice(0, 1) : points;
  return anchor.map((point) => apply(view.matrix, point));
}

interface PlatesProps {
  readonly shown: readonly Shown[];
  readonly view: PaneView;
}

/** The words beside all marks, none over another's. */
function Plates({ shown, view }: PlatesProps) {
  const marks = shown.map((mark) => ({
    mark,
    seen: seenOf(mark, view),
    lines: linesBeside(mark, view),
  }));
  const places = placePlates(marks, view);
  return marks.map(({ mark, lines }, at) => {
    const place = places[at];
    if (lines.length === 0 || !place) return null;
    const { left, top, width } = place;
    return (
      <div
        key={mark.id}
        className={mark.active ? 'measure-plate active' : 'measure-plate'}
        style={{ left, top, maxWidth: Math.ceil(width) + 8 }}
        data-plate={mark.id}
      >
        {lines.map((line) => (
          <div key={line}>{line}</div>
        ))}
      </div>
    );
  });
}

const ASK_WIDTH = 170;
const GAP = 10;

/** Right of a mark where there is room, else left; never over what is measured. */
function placeOf(mark: Shown, view: PaneView) {
  const seen = seenOf(mark, view);
  const right = Math.max(...seen.map(([x]) => x));
  const left = Math.min(...seen.map(([x]) => x));
  const low = Math.max(...seen.map(([, y]) => y));
  const top = Math.min(Math.max(6, low - 12), view.height - 56);
  if (right + GAP + ASK_WIDTH < view.width) return { left: right + GAP, top };
  return { right: Math.max(4, view.width - left + GAP), top };
}

interface QuestionProps {
  readonly mark: Annotation;
  readonly shown: Shown;
  readonly view: PaneView;
  readonly image: MarkedImage;
}

/** The field beside a fresh arrow or calibration line. */
function Question({ mark, shown, view, image }: QuestionProps) {
  const asksLength = useMeasuring((state) => state.question?.kind === 'length');
  const [words, setWords] = useState(asksLength ? '' : mark.text);
  const length = Number(words.replace(',', '.'));
  const good = !asksLength || (length > 0 && length < 10_000);
  const close = () => setMeasuring({ question: null });
  const giveUp = () => {
    if (asksLength && mark.measured?.calibration_mm == null) removeMark(mark.id, image);
    close();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!good) return;
    if (asksLength) calibrate(mark.id, length, image);
    else renameMark(mark.id, words.trim());
    close();
  };
  const label = asksLength ? text.measure.knownLength : text.measure.arrowText;
  return (
    <form className="measure-ask" style={placeOf(shown, view)} onSubmit={submit}>
      <label>
        <span>{label}</span>
        <input
          // biome-ignore lint/a11y/noAutofocus: the mark was just drawn for this
          autoFocus
          value={words}
          inputMode={asksLength ? 'decimal' : 'text'}
          maxLength={asksLength ? 8 : 200}
          aria-invalid={!good && words !== ''}
          onChange={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.stopPropagation();
            giveUp();
          }}
          onBlur={() => {
            if (asksLength ? good : true) return;
            giveUp();
          }}
        />
      </label>
      {asksLength && !good ? <span className="t3">{text.measure.knownHint}</span> : null}
    </form>
  );
}

/** Under a colleague's mark stands whose it is. */
function wordsOf(mark: Annotation | SignedMark): string {
  if (!('signed_by' in mark)) return mark.text;
  return [mark.text, mark.signed_by].filter((one) => one !== '').join(' · ');
}

function useShown(
  view: PaneView,
  marks: readonly Annotation[],
  marking: Marking,
): readonly Shown[] {
  const active = useRoom((state) => state.activeAnnotation);
  const { gesture, dragged } = marking;
  return useMemo(() => {
    const image = imageOf(view);
    const scale = scaleNow(image);
    const stored = marks.map((mark): Shown => {
      const { kind } = mark.geometry;
      const moving = dragged?.id === mark.id ? dragged.points : null;
      const known = mark.measured?.calibration_mm ?? null;
      const before = mark.measured ?? { scale: 'none', calibration_mm: null, values: [] };
      return {
        id: mark.id,
        kind,
        points: moving ?? pairs(mark.geometry.points),
        measured: moving ? measuredBy(kind, moving, scale, image.pixels, known) : before,
        text: wordsOf(mark),
        active: mark.id === active,
        isNew: false,
      };
    });
    if (!gesture) return stored;
    const kind = kindDrawn(gesture);
    const whole = gesture.tool === 'ellipse' || gesture.tool === 'bidirectional';
    const points = whole
      ? shaped(gesture.tool, gesture.points, scaleAt(gesture.points, scale))
      : gesture.points;
    const enough = whole || points.length >= 2;
    const measured = enough
      ? measuredBy(kind, points, scale, image.pixels, null)
      : { scale: scale.source, calibration_mm: null, values: [] };
    const drawn: Shown = {
      id: 'new',
      kind,
      points,
      measured: partial(gesture.tool, points) ? { ...measured, values: [] } : measured,
      text: '',
      active: false,
      isNew: true,
    };
    return [...stored, drawn];
  }, [view, marks, gesture, dragged, active]);
}

/** A mark that has too few points yet to say anything. */
function partial(tool: string, points: readonly Point[]): boolean {
  const needs: Readonly<Record<string, number>> = { angle: 3, cobb: 4, spline: 3 };
  return points.length < (needs[tool] ?? 2);
}

function Hint({ busy, readOnly }: { busy: boolean; readOnly: boolean }) {
  const tool = useRoom((state) => state.tool);
  const drawing = useRoom((state) => state.drawing);
  if (busy || drawing !== null || !isMeasureTool(tool)) return null;
  const words = readOnly ? text.measure.otherStudy : text.measure.hints[tool];
  return <p className="pane-hint">{words}</p>;
}

export interface MeasureLayerProps {
  readonly pane: number;
  readonly view: PaneView;
  readonly active: boolean;
  /** The image is of this other study: its signed marks are shown, none is made. */
  readonly study: Id | null;
}

/** The reader's measurements over one image: drawn, dragged, and said in figures. */
export function MeasureLayer({ pane, view, active, study }: MeasureLayerProps) {
  const readOnly = study !== null;
  const signed = useSignedMarks(study);
  const svg = useRef<SVGSVGElement>(null);
  const marking = useMarking(pane, view, svg, readOnly);
  const annotations = useRoom((state) => state.draft.content.annotations);
  const own = useRoom((state) => state.own);
  const question = useMeasuring((state) => state.question);
  const marks = useMemo(
    () => (own ? marksOn(view, readOnly ? signed : annotations) : []),
    [own, view, annotations, readOnly, signed],
  );
  const shown = useShown(view, marks, marking);
  const image = imageOf(view);
  const scale = scaleNow(image);
  const asked =
    question?.where === 'image' ? marks.find((mark) => mark.id === question.id) : null;
  const askedShown = shown.find((mark) => mark.id === asked?.id);
  return (
    <>
      <svg className="marks" aria-hidden="true" ref={svg}>
        {shown.map((mark) => (
          <Shape key={mark.id} mark={mark} view={view} scale={scale} />
        ))}
      </svg>
      <Plates shown={shown.filter((mark) => mark.id !== asked?.id)} view={view} />
      {asked && askedShown && active ? (
        <Question
          key={`${asked.id} ${question?.kind}`}
          mark={asked}
          shown={askedShown}
          view={view}
          image={image}
        />
      ) : null}
      {active ? (
        <Hint busy={marking.gesture !== null || !!asked} readOnly={readOnly} />
      ) : null}
    </>
  );
}

const NOTHING_MOVES: Marking = { gesture: null, dragged: null };

/** The reader's measurements on one image, to be looked at where none is drawn. */
export function MarksSeen({ view }: { view: PaneView }) {
  const annotations = useRoom((state) => state.draft.content.annotations);
  const own = useRoom((state) => state.own);
  const marks = useMemo(
    () => (own ? marksOn(view, annotations) : []),
    [own, view, annotations],
  );
  const shown = useShown(view, marks, NOTHING_MOVES);
  const scale = scaleNow(imageOf(view));
  return (
    <>
      <svg className="marks" aria-hidden="true">
        {shown.map((mark) => (
          <Shape key={mark.id} mark={mark} view={view} scale={scale} still />
        ))}
      </svg>
      <Plates shown={shown} view={view} />
    </>
  );
}

/** The tool that a stored mark was made with. */
export const toolOfMark = (mark: Annotation) => (mark.measured ? toolOf(mark) : null);
