import type { Notice } from '@/api/notice-endpoints';
import type { Band as BandName } from '@/domain/model';
import { notices as words } from '@/text/en-notices';
import { Band } from '@/ui/primitives';

const isBand = (band: string): band is BandName =>
  band === 'STAT' || band === 'PRIORITY' || band === 'ROUTINE';

/** Whose study a notification is about, as far as this person may see it. */
export function NoticeAbout({ notice }: { notice: Notice }) {
  const { about } = notice;
  if (!about) {
    const known =
      notice.kind === 'assigned'
        ? words.assigned(notice.n)
        : notice.kind === 'flood'
          ? words.flood(notice.n)
          : words.gone;
    return <span className="t3">{`${known}, ${notice.site}`}</span>;
  }
  return (
    <span>
      {isBand(about.band) && notice.kind === 'stat' ? <Band band={about.band} /> : null}{' '}
      {about.patient} <span className="t3">{`${about.study} · ${notice.site}`}</span>
    </span>
  );
}

const isOnList = (about: Notice['about']) =>
  about?.state === 'open' || about?.state === 'leased';

const PAGES: Readonly<Partial<Record<Notice['kind'], string>>> = {
  critical: '/critical',
  flood: '/',
  sent_back: '/signed',
};

/** Where a notification leads; null where there is nothing to open any more. */
export function addressOf({ kind, item_id, about }: Notice): string | null {
  if (kind === 'mention') return about ? `/discussion/${item_id}` : null;
  const fixed = PAGES[kind];
  if (fixed) return fixed;
  if (kind === 'assigned' && (item_id === null || about === null)) return '/';
  return item_id !== null && isOnList(about) ? `/read/${item_id}` : null;
}
