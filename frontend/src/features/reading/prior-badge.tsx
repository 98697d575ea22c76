import { formatDate } from '@/domain/format';
import { daysBetween, wordInterval } from '@/domain/hanging';
import { useHangings } from '@/state/hanging';
import { useRoom } from '@/state/room';
import { display } from '@/text/en-display';

/** Says that a pane shows an earlier study, and how much earlier it is. */
export function PriorBadge({ pane }: { pane: number }) {
  const study = useRoom((state) => state.panes[pane]?.study ?? null);
  const today = useRoom((state) => state.item?.study.study_date ?? null);
  const priors = useHangings((state) => state.priors);
  if (study === null) return null;
  const prior = priors?.find((one) => one.id === study);
  const date = prior?.study_date ?? null;
  const earlier = wordInterval(daysBetween(date, today));
  return (
    <div className="prior-badge">
      {display.priors.badge(earlier)} <span>{formatDate(date)}</span>
    </div>
  );
}
