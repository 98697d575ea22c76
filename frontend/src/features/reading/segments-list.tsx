import { printedKeyOf } from '@/state/own-keys';
import './segments.css';
import { Select } from '@mantine/core';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import type { ReadingContext } from '@/commands/reading/context';
import { segmentBrush } from '@/commands/reading/segment-brush';
import type { Coded } from '@/domain/model';
import { segmentLabels } from '@/domain/segment/labels';
import {
  imageOfKey,
  type Segment,
  type Segmentation,
  segmentName,
} from '@/domain/segment/model';
import type { PackIndex, Stack } from '@/imaging/pack';
import { jumpTo, useRoom } from '@/state/room';
import { interpolate } from '@/state/segment-jobs';
import {
  activeSegment,
  addSegment,
  chooseSegment,
  deleteSegment,
  editSegment,
  getSegmenting,
  segmentId,
  setSegmenting,
  useSegmenting,
} from '@/state/segmenting';
import { useVocabulary } from '@/state/session';
import { text } from '@/text/en';
import {
  sizeText,
  troubleWords,
  valuesText,
  segments as words,
} from '@/text/en-segments';
import { Glyph, type GlyphName } from '@/ui/glyph';
import { SegmentOptions } from './segment-options';
import { useStack } from './use-pack';
import { type Counts, sizeIn, useCounts, useValues } from './use-segment-sizes';
import { seriesOfStack } from './use-segmenting';

const close = () => setSegmenting({ field: null });

const choiceOf = ({ scheme, code }: Coded) => `${scheme} ${code}`;

/** What a segment can be called: the site's labels, then tissues and organs. */
function useLabels(): readonly Coded[] {
  const own = useVocabulary()?.labels ?? [];
  return segmentLabels(own);
}

interface LabelFieldProps {
  readonly value: Coded | null;
  readonly onChoose: (label: Coded) => void;
}

function LabelField({ value, onChoose }: LabelFieldProps) {
  const labels = useLabels();
  const known = labels.some((one) => value && choiceOf(one) === choiceOf(value));
  const all = value && !known ? [value, ...labels] : labels;
  return (
    <div className="form">
      <Select
        aria-label={words.label}
        placeholder={words.chooseLabel}
        data={all.map((one) => ({ value: choiceOf(one), label: one.display }))}
        value={value ? choiceOf(value) : null}
        searchable
        selectFirstOptionOnChange
        autoFocus
        defaultDropdownOpened
        // The list itself scrolls: the keys that move in it reach all of it.
        withScrollArea={false}
        styles={{ options: { maxHeight: 240, overflowY: 'auto' } }}
        onChange={(chosen) => {
          const label = all.find((one) => choiceOf(one) === chosen);
          if (label) onChoose(label);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.stopPropagation();
          close();
        }}
      />
    </div>
  );
}

function NoteField({ one, segment }: { one: Segmentation; segment: Segment }) {
  const [note, setNote] = useState(segment.note ?? '');
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (note.trim() !== (segment.note ?? '')) {
      editSegment(one, segment.number, { note: note.trim() });
    }
    close();
  };
  return (
    <form className="mark-field" onSubmit={submit}>
      <input
        // biome-ignore lint/a11y/noAutofocus: opened by a button for this
        autoFocus
        aria-label={words.note}
        value={note}
        maxLength={200}
        placeholder={segment.label.display}
        onChange={(event) => setNote(event.currentTarget.value)}
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

interface IconProps {
  readonly name: string;
  readonly glyph: GlyphName;
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

function Icon({ name, glyph, pressed, onClick }: IconProps) {
  return (
    <button
      type="button"
      className="icon-btn"
      aria-label={name}
      title={name}
      aria-pressed={pressed}
      onClick={onClick}
    >
      <Glyph name={glyph} small />
    </button>
  );
}

interface ItemProps {
  readonly one: Segmentation;
  readonly segment: Segment;
  readonly counts: Counts;
  readonly stack: Stack | null;
  readonly series: number | null;
  readonly on: boolean;
  readonly writable: boolean;
}

/** Shows the image that has most of a segment. */
function goTo({ segment, counts, series }: ItemProps): void {
  const held = [...counts.of(segment.number)].sort((a, b) => b[1] - a[1]);
  const [first] = held;
  if (!first || series === null) return;
  const { sopUid, frame } = imageOfKey(first[0]);
  jumpTo(series, sopUid, frame);
}

function Eye({ one, segment }: Pick<ItemProps, 'one' | 'segment'>) {
  const id = segmentId(one.series_uid, segment.number);
  const hidden = useSegmenting((state) => state.hidden[id] ?? false);
  const name = segmentName(segment);
  return (
    <Icon
      name={hidden ? words.show(name) : words.hide(name)}
      glyph={hidden ? 'eyeOff' : 'eye'}
      pressed={!hidden}
      onClick={() =>
        setSegmenting({ hidden: { ...getSegmenting().hidden, [id]: !hidden } })
      }
    />
  );
}

function Lock({ one, segment }: Pick<ItemProps, 'one' | 'segment'>) {
  const id = segmentId(one.series_uid, segment.number);
  const locked = useSegmenting((state) => state.locked[id] ?? false);
  const name = segmentName(segment);
  return (
    <Icon
      name={locked ? words.unlock(name) : words.lock(name)}
      glyph={locked ? 'lock' : 'unlock'}
      pressed={locked}
      onClick={() =>
        setSegmenting({ locked: { ...getSegmenting().locked, [id]: !locked } })
      }
    />
  );
}

/** What can be done with the chosen segment, and what its values are. */
function Chosen(props: ItemProps) {
  const { one, segment, counts, stack, writable } = props;
  const { number } = segment;
  const values = useValues(one, number, counts, stack);
  const name = segmentName(segment);
  const open = (kind: 'label' | 'note') =>
    setSegmenting({ field: { kind, seriesUid: one.series_uid, number } });
  const images = counts.of(number).size;
  return (
    <div className="more">
      <span className="words">
        {values
          ? valuesText(values.mean, values.deviation, values.unit)
          : images > 0
            ? words.images(images)
            : ''}
      </span>
      {writable ? (
        <>
          <Icon
            name={words.between(name)}
            glyph="between"
            onClick={() => void interpolate(one.series_uid, number)}
          />
          <Icon name={words.rename(name)} glyph="pencil" onClick={() => open('note')} />
          <Icon name={words.relabel(name)} glyph="tag" onClick={() => open('label')} />
          <Icon
            name={words.remove(name)}
            glyph="trash"
            onClick={() => deleteSegment(one.series_uid, number)}
          />
        </>
      ) : null}
    </div>
  );
}

function useOpenField(one: Segmentation, segment: Segment): 'label' | 'note' | null {
  const field = useSegmenting((state) => state.field);
  if (field === null || field.kind === 'add') return null;
  const here = field.seriesUid === one.series_uid && field.number === segment.number;
  return here ? field.kind : null;
}

/** A colour counts once it is chosen, not on the way there. */
function Colour({ one, segment, writable }: ItemProps) {
  const field = useRef<HTMLInputElement>(null);
  const { number, colour } = segment;
  useEffect(() => {
    const input = field.current;
    const chosen = () => input && editSegment(one, number, { colour: input.value });
    input?.addEventListener('change', chosen);
    return () => input?.removeEventListener('change', chosen);
  }, [one, number]);
  return (
    <input
      ref={field}
      type="color"
      defaultValue={colour}
      disabled={!writable}
      aria-label={words.colour(segmentName(segment))}
    />
  );
}

function Item(props: ItemProps) {
  const { one, segment, counts, stack, on } = props;
  const field = useOpenField(one, segment);
  const name = segmentName(segment);
  const size =
    stack && counts.whole ? sizeText(sizeIn(counts, segment.number, stack)) : '…';
  if (field === 'label') {
    return (
      <li className="on">
        <LabelField
          value={segment.label}
          onChoose={(label) => {
            editSegment(one, segment.number, { label });
            close();
          }}
        />
      </li>
    );
  }
  return (
    <li className={on ? 'on' : ''} data-segment={segment.number}>
      <div className="line">
        <Colour key={segment.colour} {...props} />
        {field === 'note' ? (
          <NoteField one={one} segment={segment} />
        ) : (
          <button
            type="button"
            className="go"
            aria-pressed={on}
            aria-label={words.choose(name)}
            onClick={() => chooseSegment(one.series_uid, segment.number)}
            onDoubleClick={() => goTo(props)}
          >
            <span className="cut">{name}</span>
          </button>
        )}
        <span className="figure">{size}</span>
        <Icon name={words.goTo(name)} glyph="search" onClick={() => goTo(props)} />
        <Eye one={one} segment={segment} />
        <Lock one={one} segment={segment} />
      </div>
      {on ? <Chosen {...props} /> : null}
    </li>
  );
}

function Job({ seriesUid }: { seriesUid: string }) {
  const job = useSegmenting((state) => state.jobs[seriesUid] ?? null);
  if (!job) return null;
  const said = {
    queued: words.interpolating,
    running: words.interpolating,
    done: words.interpolated,
    failed: words.failed(troubleWords(job.detail)),
  }[job.state];
  return (
    <p className={job.state === 'failed' ? 'word bad' : 'word'} role="status">
      {said}
    </p>
  );
}

interface SeriesProps {
  readonly one: Segmentation;
  readonly index: PackIndex | null;
  readonly writable: boolean;
  readonly alone: boolean;
}

/** The segments of one series. */
function SeriesSegments({ one, index, writable, alone }: SeriesProps) {
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const packed = index?.series.find(({ uid }) => uid === one.series_uid) ?? null;
  const { data: stack = null } = useStack(base, packed);
  const counts = useCounts(one);
  const active = useSegmenting((state) => activeSegment(one, state.active));
  const series = packed?.index ?? null;
  const name = text.room.seriesName(packed?.number ?? null, packed?.description ?? '');
  return (
    <>
      {alone ? null : <p className="series-name">{words.series(name)}</p>}
      <ul>
        {one.segments.map((segment) => (
          <Item
            key={segment.number}
            {...{ one, segment, counts, stack, series, writable }}
            on={active?.number === segment.number}
          />
        ))}
      </ul>
      <Job seriesUid={one.series_uid} />
    </>
  );
}

function AddField({ uid, index }: { uid: string; index: PackIndex | null }) {
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const packed = index?.series.find((one) => one.uid === uid) ?? null;
  const { data: stack } = useStack(base, packed);
  const series = stack ? seriesOfStack(stack) : null;
  if (!series) return null;
  return (
    <LabelField
      value={null}
      onChoose={(label) => {
        addSegment(series, label);
        close();
      }}
    />
  );
}

const NONE: readonly Segmentation[] = [];

export interface SegmentsListProps {
  readonly context: ReadingContext;
  readonly index: PackIndex | null;
}

/** The reader's segments: choose, name, colour, hide, lock, fill between, delete. */
export function SegmentsList({ context, index }: SegmentsListProps) {
  const { writable, segmentable } = context;
  const all = useRoom((state) => state.draft.content.segmentations ?? NONE);
  const shown = useSegmenting((state) => state.shown);
  const adding = useSegmenting((state) => state.field?.kind === 'add');
  const trouble = useSegmenting((state) => state.trouble);
  const count = all.reduce((sum, { segments }) => sum + segments.length, 0);
  const can = writable && segmentable !== null;
  return (
    <section className="block segments-list" aria-label={words.title}>
      <div className="panel-head">
        <h2>{words.title}</h2>
        <span className="t3">{count}</span>
        <span className="grow" />
        <button
          type="button"
          className="t2"
          aria-disabled={!can}
          onClick={() => can && setSegmenting({ field: { kind: 'add' } })}
        >
          {words.add}
        </button>
        <button
          type="button"
          className="t2"
          onClick={() => setSegmenting({ shown: !shown })}
        >
          {shown ? words.hideAll : words.showAll}
        </button>
      </div>
      <SegmentOptions />
      {adding && can ? <AddField uid={segmentable} index={index} /> : null}
      {trouble ? (
        <p className="word bad" role="status">
          {troubleWords(trouble)}
        </p>
      ) : null}
      {count === 0 ? (
        <p className="panel-word t3">{words.none(printedKeyOf(segmentBrush))}</p>
      ) : null}
      {all.map((one) => (
        <SeriesSegments
          key={one.id}
          alone={all.length === 1}
          {...{ one, index, writable }}
        />
      ))}
    </section>
  );
}
