import { formatDate, formatInteger } from '@/domain/format';
import { countOf } from '@/domain/layout';
import type { Manifest, ManifestSeries } from '@/domain/model';
import { thumbnailUrl } from '@/imaging/pack';
import { useViews } from '@/imaging/view-store';
import { showSeries, useRoom } from '@/state/room';
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

interface SeriesCardProps {
  readonly series: ManifestSeries;
  readonly base: string;
  readonly ready: boolean;
}

function Thumbnail({ series, base, ready }: SeriesCardProps) {
  if (!ready || series.displayable === false) return <span className="thumb" />;
  return (
    <img
      className="thumb"
      src={thumbnailUrl(base, series.index)}
      alt=""
      draggable={false}
      loading="lazy"
      onError={(event) => {
        event.currentTarget.style.visibility = 'hidden';
      }}
    />
  );
}

function SeriesCard(props: SeriesCardProps) {
  const { series } = props;
  const panes = useRoom((state) => state.panes);
  const layout = useRoom((state) => state.layout);
  const shownIn = panes
    .slice(0, countOf(layout))
    .flatMap((pane, place) =>
      pane.series === series.index && !pane.study ? [place + 1] : [],
    );
  const frames = series.n_frames ?? series.n_instances;
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
      onDragStart={(event) => startDrag(event, series.index, null)}
      onClick={() => {
        if (displayable) showSeries(series.index);
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

export function SeriesRail({
  manifest,
  ready,
}: {
  manifest: Manifest | null;
  ready: boolean;
}) {
  const date = useRoom((state) => state.item?.study.study_date ?? null);
  return (
    <nav className="rail" aria-label={text.room.thisStudy}>
      <h2>
        {text.room.thisStudy} <span>{formatDate(date)}</span>
      </h2>
      {manifest?.series.length === 0 ? <p className="t3">{text.room.noSeries}</p> : null}
      {manifest?.series.map((series) => (
        <SeriesCard
          key={series.uid}
          series={series}
          base={manifest.pack.base}
          ready={ready}
        />
      ))}
      {manifest && manifest.attachments.length > 0 ? (
        <div className="attached">
          <h2>
            {text.room.attachments} <span>{manifest.attachments.length}</span>
          </h2>
          <ul title={text.room.attachmentsNote}>
            {manifest.attachments.map((one) => (
              <li key={one.uid} title={one.description}>
                <b className="cut">
                  {text.objectKinds[one.modality] ?? one.modality}
                  {one.n_instances > 1 ? ` × ${one.n_instances}` : ''}
                </b>
                <span className="cut t3">{one.description}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </nav>
  );
}
