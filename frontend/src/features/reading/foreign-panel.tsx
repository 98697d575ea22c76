import './foreign.css';
import { useDebouncedValue } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import {
  type ForeignItem,
  type ForeignObject,
  nameOf,
  type Presentation,
  presentationFor,
  type Sight,
  sightOf,
  type ValueMap,
} from '@/domain/foreign';
import { formatDate } from '@/domain/format';
import { sightOfMap } from '@/domain/parametric';
import { type PackIndex, type PackSeries, readStack, type Stack } from '@/imaging/pack';
import { paneControl, type ShownAs, useViews } from '@/imaging/view-store';
import {
  applyObject,
  chooseItem,
  isShown,
  itemId,
  openObject,
  showItem,
  showObject,
  useForeignState,
} from '@/state/foreign';
import { copyForeign } from '@/state/foreign-answers';
import { getRoom, jumpTo, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { foreign as words } from '@/text/en-foreign';
import { Glyph } from '@/ui/glyph';
import { AiTag } from '@/ui/primitives';
import { useCopyForeign } from './copy-segment';
import { seriesHolding } from './first-shown';
import { Answer, AnswerWord, useAnswer } from './foreign-answer';
import { MapOptions } from './foreign-map';
import { volumeText } from './masks';
import { useForeign, useWhole } from './use-foreign';

/** The series to look in, the one on the active pane first. */
function candidates(item: ForeignItem, index: PackIndex): readonly PackSeries[] {
  const { panes, activePane, mpr } = getRoom();
  const named = item.marks.find((mark) => mark.sop_uid !== '')?.sop_uid;
  const first = mpr ?? panes[activePane]?.series ?? null;
  const holder = named ? seriesHolding(index, named) : null;
  const wanted = [holder, first, ...panes.map((pane) => pane.series)];
  const rank = (series: PackSeries) => {
    const at = wanted.indexOf(series.index);
    return at < 0 ? wanted.length : at;
  };
  return index.series
    .filter((series) => series.displayable)
    .toSorted((p, q) => rank(p) - rank(q));
}

interface Found {
  readonly series: PackSeries;
  readonly stack: Stack;
  readonly sight: Sight;
}

/** Finds the image that shows an item; the series' geometry is read where needed. */
function useFind(index: PackIndex | null) {
  const client = useQueryClient();
  const base = useRoom((state) => state.manifest?.pack.base ?? null);
  const stackOf = (series: PackSeries): Promise<Stack> =>
    client.fetchQuery({
      queryKey: ['stack', base, series.index],
      queryFn: ({ signal }) => readStack(base ?? '', series, signal),
      staleTime: Number.POSITIVE_INFINITY,
    });
  return async (item: ForeignItem): Promise<Found | null> => {
    if (!index || base === null) return null;
    for (const series of candidates(item, index)) {
      const stack = await stackOf(series);
      const sight = sightOf(item, stack.images) ?? sightOfMap(item, stack.images);
      if (sight) return { series, stack, sight };
    }
    return null;
  };
}

/** Goes to the image that shows an item. */
function useGoTo(index: PackIndex | null) {
  const find = useFind(index);
  return async (object: ForeignObject, item: ForeignItem): Promise<Found | null> => {
    chooseItem(itemId(object, item.key));
    const found = await find(item);
    if (found) {
      const { series, sight } = found;
      jumpTo(series.index, sight.sopUid, sight.frame, sight.at);
    }
    return found;
  };
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return `${value}`.replace('-', '−');
  return `${Number(value.toPrecision(4))}`.replace('-', '−');
}

function rangeText(map: ValueMap): string {
  const unit = map.unit.code === '1' ? map.unit.display : map.unit.code;
  const said = unit || map.unit.display || words.map.noUnit;
  return words.map.range(numberText(map.least), numberText(map.most), said);
}

/** What an item says beside its name, a line each. */
function linesOf(item: ForeignItem): readonly string[] {
  const { map, segment } = item;
  return [
    map ? rangeText(map) : '',
    ...item.measurements.map(({ name, value, unit }) =>
      words.measurement(name.display, numberText(value), unit.code || unit.display),
    ),
    ...item.evaluations.map(({ name, value }) => `${name.display}: ${value.display}`),
    segment?.volume_ml ? volumeText(segment.volume_ml) : '',
    segment?.fractional ? words.fractional : '',
    item.text === item.label.display ? '' : item.text,
    item.why_not,
  ].filter((line) => line !== '');
}

const hasPlace = (item: ForeignItem, whole: boolean) =>
  !whole ||
  item.marks.length > 0 ||
  item.segment !== null ||
  (item.map !== null && item.why_not === '') ||
  item.images.length > 0;

interface ItemProps {
  readonly object: ForeignObject;
  readonly item: ForeignItem;
  readonly place: number;
  readonly index: PackIndex | null;
  readonly whole: boolean;
}

/** Whether an item is drawn; it may be left out of what its object shows. */
function Eye({ id, name }: { id: string; name: string }) {
  const hidden = useForeignState((state) => state.hidden[id] ?? false);
  return (
    <button
      type="button"
      className="icon-btn"
      aria-label={hidden ? words.show(name) : words.hide(name)}
      aria-pressed={!hidden}
      onClick={() => showItem(id, hidden)}
    >
      <Glyph name={hidden ? 'eyeOff' : 'eye'} small />
    </button>
  );
}

function Swatch({ object, item }: Pick<ItemProps, 'object' | 'item'>) {
  const isAi = object.creator.origin === 'ai';
  const style = isAi || !item.colour ? undefined : { borderColor: item.colour };
  return <i className={isAi ? 'swatch-line ai' : 'swatch-line'} style={style} />;
}

interface MapRowProps extends Pick<ItemProps, 'object' | 'item'> {
  readonly id: string;
  readonly name: string;
}

/** How a map is shown, while it is. */
function MapRow({ object, item: { map, why_not }, id, name }: MapRowProps) {
  const shown = useForeignState((state) => isShown(state.shown, object));
  const hidden = useForeignState((state) => state.hidden[id] ?? false);
  if (!map || why_not !== '' || !shown || hidden) return null;
  return <MapOptions {...{ id, name, map }} />;
}

function ItemRow({ object, item, place, index, whole }: ItemProps) {
  const id = itemId(object, item.key);
  const active = useForeignState((state) => state.active === id);
  const goTo = useGoTo(index);
  const copySegment = useCopyForeign();
  const name = nameOf(item, place);
  const placed = hasPlace(item, whole);
  const lines = linesOf(item);
  const answer = useAnswer(object, item);
  const copy = async () => {
    const found = await goTo(object, item);
    if (!found) return;
    if (item.segment) await copySegment(object, item, found.stack);
    else copyForeign(object, item, found.sight, found.stack.images);
  };
  const drawn = item.marks.some((mark) => mark.kind !== 'text');
  const copyable = drawn || item.segment !== null;
  return (
    <li className={active ? 'on' : ''} data-foreign-item={id}>
      <div className="item-line">
        <button
          type="button"
          className="go"
          aria-label={words.goTo(name)}
          title={placed ? undefined : words.noMarks}
          aria-expanded={active}
          onClick={() => {
            if (placed) showObject(object, true);
            void goTo(object, item);
          }}
        >
          <Swatch object={object} item={item} />
          <span className="cut">
            {answer?.verdict === 'reject' ? <s>{name}</s> : name}
            {item.site ? <span className="t3"> · {item.site.display}</span> : null}
          </span>
        </button>
        <AnswerWord answer={answer} />
        {placed ? <Eye id={id} name={name} /> : null}
      </div>
      {lines.length > 0 ? <div className="item-words">{lines.join('\n')}</div> : null}
      <MapRow {...{ object, item, id, name }} />
      {active ? (
        <Answer
          {...{ object, item, place }}
          onCopy={copyable ? () => void copy() : null}
        />
      ) : null}
    </li>
  );
}

const shownAs = (said: Presentation): ShownAs => ({
  window: said.window && {
    level: said.window[0] ?? 0,
    width: said.window[1] ?? 1,
  },
  inverse: said.inverse,
  rotation: said.rotation,
  flip: said.flip,
  area: said.area?.map(([x = 0, y = 0]) => [x, y] as const) ?? null,
});

/** What a presentation state says of the image on the active pane; null: nothing. */
function useApplicable(object: ForeignObject): Presentation | null {
  const pane = useRoom((state) => state.activePane);
  const planes = useRoom((state) => state.mpr !== null);
  const image = useViews((state) => state.panes[pane]?.view?.image ?? null);
  return image && !planes ? presentationFor(object, image) : null;
}

/** A presentation state's offer to show the image as it says. */
function Apply({ object }: { object: ForeignObject }) {
  const found = useApplicable(object);
  const apply = () => {
    if (!found) return;
    const pane = getRoom().activePane;
    paneControl(pane)?.present(shownAs(found));
    applyObject(pane, object);
    showObject(object, true);
  };
  const [level = 0, width = 0] = found?.window ?? [];
  return (
    <div className="object-note">
      <button
        type="button"
        className="btn small"
        aria-disabled={found === null}
        title={words.applyTitle}
        onClick={apply}
      >
        {words.apply}
      </button>{' '}
      {found?.window ? words.window(numberText(width), numberText(level)) : null}
      {found ? null : words.applyNotHere}
    </div>
  );
}

function whoMade({ creator }: ForeignObject): string {
  const { origin, name, version } = creator;
  return [words.by[origin](name), version].filter(Boolean).join(' ');
}

function aboutObject(object: ForeignObject): string {
  const n = object.items.length;
  return [
    words.kinds[object.kind],
    whoMade(object),
    object.made_at ? formatDate(object.made_at.slice(0, 10)) : '',
    n > 0 ? words.findings(n) : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function Head({ object, opened }: { object: ForeignObject; opened: boolean }) {
  const shown = useForeignState((state) => isShown(state.shown, object));
  const name = object.title || words.kinds[object.kind];
  const drawable = object.items.some((item) => hasPlace(item, object.whole));
  return (
    <div className="object-head">
      <button
        type="button"
        className="unfold"
        aria-expanded={opened}
        aria-label={words.open(name)}
        onClick={() => openObject(object, !opened)}
      >
        <Glyph name="down" small />
        <span className="object-words">
          <b className="cut">
            {object.creator.origin === 'ai' ? <AiTag /> : null}{' '}
            {object.title || words.untitled}
          </b>
          <span className="cut" title={aboutObject(object)}>
            {aboutObject(object)}
          </span>
        </span>
      </button>
      {drawable ? (
        <button
          type="button"
          className="icon-btn"
          aria-label={shown ? words.hide(name) : words.show(name)}
          aria-pressed={shown}
          onClick={() => showObject(object, !shown)}
        >
          <Glyph name={shown ? 'eye' : 'eyeOff'} small />
        </button>
      ) : null}
    </div>
  );
}

/** What has to be said of an object besides what it says itself. */
function Notes({ object, opened }: { object: ForeignObject; opened: boolean }) {
  const isAi = object.creator.origin === 'ai';
  const notes = [...(isAi && opened ? [words.requiresReview] : []), ...object.notes];
  return (
    <>
      {object.trouble ? <p className="object-note bad">{object.trouble}</p> : null}
      {notes.map((note) => (
        <p key={note} className="object-note">
          {note}
        </p>
      ))}
    </>
  );
}

interface CardProps {
  readonly object: ForeignObject;
  readonly index: PackIndex | null;
}

function ObjectCard({ object: listed, index }: CardProps) {
  const shown = useForeignState((state) => isShown(state.shown, listed));
  const opened = useForeignState(
    (state) => state.open[listed.sop_uid] ?? listed.kind === 'sr',
  );
  const { object, here, isError, refetch } = useWhole(listed, shown || opened);
  return (
    <div className="object" data-foreign-object={object.sop_uid}>
      <Head object={object} opened={opened} />
      <Notes object={object} opened={opened} />
      {object.presentations.length > 0 ? <Apply object={object} /> : null}
      {isError ? (
        <p className="object-note bad" role="alert">
          {words.shapesFailed}{' '}
          <button type="button" className="link" onClick={() => void refetch()}>
            {text.common.retry}
          </button>
        </p>
      ) : null}
      {opened ? (
        <ul>
          {object.items.map((item, place) => (
            <ItemRow key={item.key} {...{ object, item, place, index }} whole={here} />
          ))}
        </ul>
      ) : null}
    </div>
  );
}

const SLOW_MS = 300;

/** What other systems and people left about the study. */
export function ForeignPanel({ index }: { index: PackIndex | null }) {
  const { data, isError, isLoading, refetch } = useForeign();
  // Most studies have nothing from PACS: the word waits until the answer is slow.
  const [slow] = useDebouncedValue(isLoading, SLOW_MS);
  if (isLoading) {
    return !slow ? null : (
      <section className="block from-pacs" aria-label={words.title}>
        <p className="panel-word t3" role="status">
          {words.reading}
        </p>
      </section>
    );
  }
  if (isError) {
    return (
      <section className="block from-pacs" aria-label={words.title}>
        <p className="panel-word" role="alert">
          {words.failed}{' '}
          <button type="button" className="link" onClick={() => void refetch()}>
            {text.common.retry}
          </button>
        </p>
      </section>
    );
  }
  if (!data || data.items.length === 0) return null;
  return (
    <section className="block from-pacs" aria-label={words.title}>
      <div className="panel-head" title={words.note}>
        <h2>{words.title}</h2>
        <span className="t3">{data.total}</span>
      </div>
      {data.items.map((object) => (
        <ObjectCard key={object.sop_uid} object={object} index={index} />
      ))}
      {data.total > data.items.length ? (
        <p className="panel-word t3">{words.more(data.total - data.items.length)}</p>
      ) : null}
    </section>
  );
}
