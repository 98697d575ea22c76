import './critical.css';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Critical } from '@/api/critical-endpoints';
import { wordAgo } from '@/domain/wait';
import { useNow } from '@/state/clock';
import {
  restReminder,
  useCriticalList,
  useCriticalRefresh,
  useTelling,
} from '@/state/critical';
import { critical as words } from '@/text/en-critical';
import { Notice } from '@/ui/primitives';
import { CloseDialog } from './close-dialog';

/** How many reminders the portal has given of one's own open results. */
const remindersOf = (items: readonly Critical[]) =>
  items.reduce((sum, one) => sum + one.reminders, 0);

/** Says, again and again, that one's own critical results have not been told. */
export function CriticalReminder() {
  useCriticalRefresh();
  const { data } = useCriticalList('open');
  const now = useNow();
  const { restUntil, restAt } = useTelling();
  const [asked, setAsked] = useState<Critical | null>(null);
  const mine = (data?.items ?? []).filter((one) => one.mine);
  const oldest = mine[0];
  if (!data || !oldest) return null;
  const reminders = remindersOf(mine);
  const resting = now < restUntil && reminders <= restAt;
  return (
    <>
      {resting ? null : (
        <div className="critical-reminder">
          <Notice
            kind="fail"
            assertive
            title={words.reminder(
              mine.length,
              oldest.label.display,
              oldest.patient.name,
              wordAgo(oldest.raised_at, now),
            )}
            actions={
              <>
                <button
                  type="button"
                  className="btn small"
                  onClick={() => setAsked(oldest)}
                >
                  {words.record}
                </button>
                <Link href="/critical" className="btn small">
                  {words.list}
                </Link>
                <button
                  type="button"
                  className="btn small quiet"
                  onClick={() => restReminder(now, reminders)}
                >
                  {words.later}
                </button>
              </>
            }
          />
        </div>
      )}
      {asked ? (
        <CloseDialog result={asked} choices={data} onClose={() => setAsked(null)} />
      ) : null}
    </>
  );
}

/** How many results of my sites wait, for the navigation. */
export function useOpenCount(): number {
  return useCriticalList('open').data?.total ?? 0;
}
