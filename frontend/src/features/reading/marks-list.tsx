import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { ReadingContext } from '@/commands/reading/context';
import { measureLength } from '@/commands/reading/measure-length';
import { UNLABELLED } from '@/domain/measure/kinds';
import type { Annotation } from '@/domain/model';
import type { PackIndex } from '@/imaging/pack';
import {
  markControl,
  relabelMark,
  removeMark,
  renameMark,
  setMeasuring,
  useMeasuring,
} from '@/state/measuring';
import { printedKeyOf } from '@/state/own-keys';
import { setRoom, useRoom } from '@/state/room';
import { useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import { markFigure, markName } from '@/text/en-measure';
import { Glyph } from '@/ui/glyph';
import { goToMark } from './marks-moves';
import { toolOfMark } from './measure-layer';

const panel = text.room.panel;
const words = text.measure;

/** Series number and place in its stack of the image that a mark is on. */
function placeOf(index: PackIndex | null, { geometry }: Annotation): string {
  for (const series of index?.series ?? []) {
    let before = 0;
    for (const instance of series.instances) {
      if (instance.sop_uid === geometry.sop_uid) {
        return words.image(String(series.number ?? ''), String(before + geometry.frame));
      }
      before += Math.max(1, instance.n_frames);
    }
  }
  return '';
}

const close = () => setMeasuring({ question: null });

function RenameField({ mark }: { mark: Annotation }) {
  const [name, setName] = useState(mark.text);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    renameMark(mark.id, name.trim());
    close();
  };
  return (
    <form className="mark-field" onSubmit={submit}>
      <input
        // biome-ignore lint/a11y/noAutofocus: opened by a key or button for this
        autoFocus
        aria-label={words.name}
        value={name}
        maxLength={200}
        onChange={(event) => setName(event.currentTarget.value)}
        onBlur={() => submit()}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          close();
        }}
      />
    </form>
  );
}

function LabelField({ mark }: { mark: Annotation }) {
  const labels = useVocabulary()?.labels ?? [];
  const known = labels.some((one) => one.code === mark.label.code);
  const choices = known ? labels : [mark.label, ...labels];
  const all = mark.measured ? [UNLABELLED, ...choices] : choices;
  const offered = all.filter(
    (one, place) => all.findIndex((other) => other.code === one.code) === place,
  );
  return (
    <span className="mark-field">
      <select
        // biome-ignore lint/a11y/noAutofocus: opened by a key or button for this
        autoFocus
        aria-label={words.label}
        value={mark.label.code}
        onChange={(event) => {
          const chosen = offered.find((one) => one.code === event.currentTarget.value);
          if (chosen) relabelMark(mark.id, chosen);
        }}
        onBlur={close}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' && event.key !== 'Enter') return;
          event.stopPropagation();
          close();
        }}
      >
        {offered.map((one) => (
          <option key={one.code} value={one.code}>
            {one.code === UNLABELLED.code ? words.unlabelled : one.display}
          </option>
        ))}
      </select>
    </span>
  );
}

interface ItemProps {
  readonly mark: Annotation;
  readonly index: PackIndex | null;
  readonly writable: boolean;
}

function Actions({ mark, name, writable }: Omit<ItemProps, 'index'> & { name: string }) {
  const ask = (kind: 'text' | 'label') => {
    if (!writable) return;
    setRoom({ activeAnnotation: mark.id });
    setMeasuring({ question: { id: mark.id, kind, where: 'list' } });
  };
  const remove = () => {
    if (!writable) return;
    setRoom({ activeAnnotation: mark.id });
    const control = markControl();
    if (control) control.remove();
    else removeMark(mark.id, null);
  };
  return (
    <span className="mark-actions">
      <button
        type="button"
        className="icon-btn"
        aria-label={words.renameOf(name)}
        title={words.rename}
        aria-disabled={!writable}
        onClick={() => ask('text')}
      >
        <Glyph name="pencil" small />
      </button>
      <button
        type="button"
        className="icon-btn"
        aria-label={words.labelOf(name)}
        title={words.relabel}
        aria-disabled={!writable}
        onClick={() => ask('label')}
      >
        <Glyph name="tag" small />
      </button>
      <button
        type="button"
        className="icon-btn"
        aria-label={words.removeOf(name)}
        title={words.remove}
        aria-disabled={!writable}
        onClick={remove}
      >
        <Glyph name="trash" small />
      </button>
    </span>
  );
}

function Item({ mark, index, writable }: ItemProps) {
  const active = useRoom((state) => state.activeAnnotation === mark.id);
  const saved = useRoom((state) => state.save.kind === 'saved');
  const asked = useMeasuring(({ question }) =>
    question?.id === mark.id && question.where === 'list' ? question.kind : null,
  );
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (active) item.current?.scrollIntoView({ block: 'nearest' });
  }, [active]);
  const name = markName(mark, toolOfMark(mark));
  const figure = mark.measured ? markFigure(mark.measured) : '';
  return (
    <li ref={item} className={active ? 'on' : ''} aria-current={active || undefined}>
      {asked === 'text' ? <RenameField mark={mark} /> : null}
      {asked === 'label' ? <LabelField mark={mark} /> : null}
      {asked === null ? (
        <button
          type="button"
          className="go"
          aria-label={words.rowLabel(name, figure)}
          onClick={() => goToMark(index, mark)}
        >
          <span className="cut" title={mark.text || undefined}>
            {name}
          </span>
          <b className="figure">{figure}</b>
          <span className="where">{placeOf(index, mark)}</span>
          {mark.missed_by_ai ? <span className="where">{panel.missed}</span> : null}
        </button>
      ) : null}
      {saved ? (
        <span className="ok">
          <Glyph name="check" small />
        </span>
      ) : null}
      <Actions mark={mark} name={name} writable={writable} />
    </li>
  );
}

export interface MarksListProps {
  readonly context: ReadingContext;
  readonly index: PackIndex | null;
}

/** The reader's own marks: go to, rename, label, delete. */
export function MarksList({ context, index }: MarksListProps) {
  const annotations = useRoom((state) => state.draft.content.annotations);
  const own = useRoom((state) => state.own);
  return (
    <section className="block mine" aria-label={panel.annotations}>
      <div className="panel-head">
        <h2>{panel.annotations}</h2>
        <span className="t3">{annotations.length}</span>
        <span className="grow" />
        <button type="button" className="t2" onClick={() => setRoom({ own: !own })}>
          {own ? panel.hideAll : panel.showAll}
        </button>
      </div>
      {annotations.length === 0 ? (
        <p className="panel-word t3">{words.none(printedKeyOf(measureLength))}</p>
      ) : null}
      <ul>
        {annotations.map((mark) => (
          <Item key={mark.id} mark={mark} index={index} writable={context.writable} />
        ))}
      </ul>
    </section>
  );
}
