import { memo } from 'react';
import { formatDate } from '@/domain/format';
import type { Manifest } from '@/domain/model';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { objectKind } from '@/text/en-objects';
import { PriorsRail } from './priors-rail';
import { SeriesCard } from './series-card';

export const SeriesRail = memo(function SeriesRail({
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
          study={null}
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
                  {objectKind(one)}
                  {one.n_instances > 1 ? ` × ${one.n_instances}` : ''}
                </b>
                <span className="cut t3">{one.description}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
      <PriorsRail />
    </nav>
  );
});
