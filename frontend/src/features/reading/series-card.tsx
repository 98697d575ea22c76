import { useEffect, useState } from 'react';
import { formatInteger } from '@/domain/format';
import { countOf } from '@/domain/layout';
import type { Id, ManifestSeries } from '@/domain/model';
import { thumbnailUrl } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { getRoom, hangIn, useRoom } from '@/state/room';
import { text } from '@/text/en';
import { display } from '@/text/en-display';
import { Glyph } from '@/ui/glyph';
import { startDrag } from './drag-series';

/** How much of the series is in memory: a bar while it comes, then a word. */
function LoadedMark({ series }: { series: string }) {
  const loaded = useViews((state) => state.loaded[series]);
  if (!loaded || loaded.of === 0) return null;
  if (loaded.done >= loaded.of) {
    return (
      <span className="loaded">
        <Glyph name="check" small />
        {text.room.seriesLoaded}
      </span>
    );
  }
  const percent = Math.floor((loaded.done / loaded.of) * 100);
  return (
    <>
      <span className="progress">
        <i style={{ width: `${percent}%` }} />
      </span>
      <span>{percent}%</span>
    </>
  );
}

export interface SeriesCardProps {
  readonly series: ManifestSeries;
  readonly base: string;
  readonly ready: boolean;
  /** The earlier study that it is of; null for the one that is read. */
  readonly study: Id | null;
}

/** Seconds after which a small picture that is not made yet is asked for again. */
const RETRY_S = [2, 4, 8, 15, 30, 60, 120] as const;

/** How often it was asked for in vain; a study that has just come has none yet. */
function useRetries() {
  const [failed, setFailed] = useState(0);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const wait = RETRY_S[failed - 1];
    if (wait === undefined) return;
    const timer = setTimeout(() => setTries(failed), wait * 1000);
    return () => clearTimeout(timer);
  }, [failed]);
  return { missing: failed > tries, tries, fail: () => setFailed(tries + 1) };
}

function Thumbnail({ series, base, ready }: SeriesCardProps) {
  const { missing, tries, fail } = useRetries();
  if (!ready || missing || series.displayable === false) {
    return <span className="thumb" />;
  }
  return (
    <img
      // An address that failed is not asked for again by the same element.
      key={tries}
      className="thumb"
      src={thumbnailUrl(base, series.index)}
      alt=""
      draggable={false}
      loading="lazy"
      onError={fail}
    />
  );
}

/** A series to look at: a click or Enter hangs it in the active pane, dragging in any. */
export function SeriesCard(props: SeriesCardProps) {
  const { series, study } = props;
  const panes = useRoom((state) => state.panes);
  const layout = useRoom((state) => state.layout);
  const shownIn = panes
    .slice(0, countOf(layout))
    .flatMap((pane, place) =>
      pane.series === series.index && (pane.study ?? null) === study ? [place + 1] : [],
    );
  const frames = series.n_frames;
  const displayable = series.displayable !== false;
  const count = text.room.seriesImages(formatInteger(frames), frames === 1);
  return (
    <button
      type="button"
      className={shownIn.length > 0 ? 'series on' : 'series'}
      aria-pressed={shownIn.length > 0}
      aria-disabled={!displayable}
      title={series.why_not || display.dragHint}
      draggable={displayable}
      onDragStart={(event) => startDrag(event, series.index, study)}
      onClick={() => {
        if (!displayable) return;
        const hung = { series: series.index, ...(study === null ? {} : { study }) };
        hangIn(getRoom().activePane, hung);
      }}
    >
      <Thumbnail {...props} />
      <span className="panes">
        {shownIn.map((pane) => (
          <i key={pane}>{pane}</i>
        ))}
      </span>
      <span className="about">
        <b>
          {text.room.seriesName(series.number, series.description || series.modality)}
        </b>
        <span className="line">
          {displayable ? count : `${text.room.notShown}: ${series.why_not ?? ''}`}
          {displayable ? <LoadedMark series={series.uid} /> : null}
        </span>
      </span>
    </button>
  );
}
