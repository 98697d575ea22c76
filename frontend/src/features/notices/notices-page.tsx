import '../admin/admin.css';
import './notices.css';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { type Notice, readNotices } from '@/api/notice-endpoints';
import { formatExact } from '@/domain/format';
import { wordAgo } from '@/domain/wait';
import { QueryTable } from '@/features/admin/table';
import { useNow } from '@/state/clock';
import { noticeListKey, useMarkRead, useNoticeRefresh } from '@/state/notices';
import { notices as words } from '@/text/en-notices';
import { Segments } from '@/ui/primitives';
import { addressOf, NoticeAbout } from './notice-words';

function Line({ notice }: { notice: Notice }) {
  const now = useNow();
  const mark = useMarkRead();
  const [, navigate] = useLocation();
  const to = addressOf(notice);
  const unread = notice.read_at === null;
  const whose = notice.about?.patient ?? '';
  return (
    <tr className={unread ? 'unread' : ''}>
      <td>
        {notice.title}
        {unread ? <span className="visually-hidden">, {words.isUnread}</span> : null}
      </td>
      <td>
        <NoticeAbout notice={notice} />
      </td>
      <td className="when" title={formatExact(notice.at)}>
        {wordAgo(notice.at, now)}
      </td>
      <td className="end">
        {unread ? (
          <button
            type="button"
            className="btn small quiet"
            aria-label={words.readLabel(notice.title, whose)}
            onClick={() => void mark([notice.id])}
          >
            {words.read}
          </button>
        ) : null}
        {to ? (
          <button
            type="button"
            className="btn small"
            aria-label={words.openLabel(notice.title, whose)}
            onClick={() => {
              if (unread) void mark([notice.id]);
              navigate(to);
            }}
          >
            {words.open[notice.kind]}
          </button>
        ) : null}
      </td>
    </tr>
  );
}

/** Everything that a person was told, newest first. */
export function NoticesPage() {
  useNoticeRefresh();
  const mark = useMarkRead();
  const [unread, setUnread] = useState(false);
  const query = useInfiniteQuery({
    queryKey: noticeListKey(unread ? 'unread' : 'all'),
    queryFn: ({ pageParam }) => readNotices(unread, pageParam),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
  });
  const { heads } = words;
  return (
    <div className="admin notices-page">
      <div className="admin-body">
        <h1 className="page-title">{words.title}</h1>
        <div className="notices-tools">
          <Segments
            label={words.which}
            value={unread ? 'unread' : 'all'}
            choices={[
              { value: 'all', label: words.all },
              { value: 'unread', label: words.unread },
            ]}
            onChoose={(choice) => setUnread(choice === 'unread')}
          />
          <button type="button" className="btn" onClick={() => void mark(null)}>
            {words.readAll}
          </button>
          <Link href="/notifications/settings" className="btn">
            {words.settings.title}
          </Link>
        </div>
        <QueryTable
          query={{ ...query, data: query.data?.pages.flatMap((page) => page.items) }}
          name={words.list}
          heads={[heads.what, heads.whose, heads.when, '']}
          empty={unread ? words.emptyUnread : words.empty}
        >
          {(one) => <Line key={one.id} notice={one} />}
        </QueryTable>
        {query.hasNextPage ? (
          <button
            type="button"
            className="btn"
            onClick={() => void query.fetchNextPage()}
          >
            {words.more}
          </button>
        ) : null}
      </div>
    </div>
  );
}
