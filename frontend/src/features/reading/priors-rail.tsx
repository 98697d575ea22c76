import { useEffect, useState } from 'react';
import { formatDate, formatInteger } from '@/domain/format';
import { daysBetween, type Prior, wordInterval } from '@/domain/hanging';
import { loadPriors, openPrior, useHangings } from '@/state/hanging';
import { useRoom } from '@/state/room';
import { text } from '@/text/en';
import { display } from '@/text/en-display';
import { compareWith } from './compare';
import { SeriesCard } from './series-card';
import { usePrior } from './use-prior';

const words = display.priors;

/** The series of an earlier study, once it is unfolded. */
function Inside({ prior }: { prior: Prior }) {
  const { manifest, index, failure } = usePrior(prior.id);
  if (failure !== null) return <p className="prior-word">{failure}</p>;
  if (!manifest) return <p className="prior-word">{text.room.loadingSeries}</p>;
  return (
    <div className="inside">
      <button
        type="button"
        className="btn small"
        onClick={() => compareWith(prior.id, manifest, index)}
      >
        {words.compare}
      </button>
      {manifest.series.map((series) => (
        <SeriesCard
          key={series.uid}
          series={series}
          base={manifest.pack.base}
          ready={index !== null}
          study={prior.id}
        />
      ))}
    </div>
  );
}

function PriorCard({ prior, today }: { prior: Prior; today: string | null }) {
  const loaded = useHangings((state) => state.opened.includes(prior.id));
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (loaded) setOpen(true);
  }, [loaded]);
  const earlier = wordInterval(daysBetween(prior.study_date, today));
  return (
    <div className="prior">
      <button
        type="button"
        aria-expanded={open}
        title={words.openHint}
        onClick={() => {
          openPrior(prior.id);
          setOpen(!open);
        }}
      >
        <b>{formatDate(prior.study_date) || words.noDate}</b>
        <span>{[earlier && words.earlier(earlier), prior.site].join(' · ')}</span>
        <span>
          {prior.modality} {prior.description}
        </span>
        <span>
          {text.room.seriesImages(formatInteger(prior.n_images), prior.n_images === 1)}
          {loaded ? '' : ` · ${words.onDemand}`}
        </span>
      </button>
      {open ? <Inside prior={prior} /> : null}
    </div>
  );
}

/** Earlier studies of the patient: listed by the portal, loaded only when unfolded. */
export function PriorsRail() {
  const priors = useHangings((state) => state.priors);
  const failed = useHangings((state) => state.priorsFailed);
  const study = useRoom((state) => state.item?.study ?? null);
  if (study === null) return null;
  return (
    <section aria-label={words.title}>
      <h2>
        {words.title} <span>{priors ? words.found(priors.length) : ''}</span>
      </h2>
      {failed ? (
        <p className="prior-word" role="alert">
          {words.failed}{' '}
          <button type="button" onClick={() => void loadPriors(study.id)}>
            {text.common.retry}
          </button>
        </p>
      ) : null}
      {priors?.length === 0 ? <p className="prior-word">{words.none}</p> : null}
      {priors?.map((prior) => (
        <PriorCard key={prior.id} prior={prior} today={study.study_date} />
      ))}
    </section>
  );
}
