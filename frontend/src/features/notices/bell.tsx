import './notices.css';
import { Popover } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { type Notice, readNotices } from '@/api/notice-endpoints';
import { formatExact } from '@/domain/format';
import { wordAgo } from '@/domain/wait';
import { useNow } from '@/state/clock';
import { noticeListKey, useMarkRead, useNoticeRefresh, useUnread } from '@/state/notices';
import { notices as words } from '@/text/en-notices';
import { Glyph } from '@/ui/glyph';
import { addressOf, NoticeAbout } from './notice-words';

const SHOWN = 8;

function Line({ notice, onOpen }: { notice: Notice; onOpen: (to: string) => void }) {
  const now = useNow();
  const to = addressOf(notice);
  return (
    <li className="notice-line">
      <div>
        <b>{notice.title}</b>{' '}
        <span className="t3" title={formatExact(notice.at)}>
          {wordAgo(notice.at, now)}
        </span>
        <div>
          <NoticeAbout notice={notice} />
        </div>
      </div>
      {to ? (
        <button
          type="button"
          className="btn small"
          aria-label={words.openLabel(notice.title, notice.about?.patient ?? '')}
          onClick={() => onOpen(to)}
        >
          {words.open[notice.kind]}
        </button>
      ) : null}
    </li>
  );
}

function Newest({ onLeave }: { onLeave: () => void }) {
  useNoticeRefresh();
  const mark = useMarkRead();
  const [, navigate] = useLocation();
  const query = useQuery({
    queryKey: noticeListKey('bell'),
    queryFn: () => readNotices(true),
    staleTime: 0,
  });
  const items = (query.data?.items ?? []).slice(0, SHOWN);
  return (
    <section className="notice-drop" aria-label={words.title}>
      {query.error ? <p className="t3">{words.failed}</p> : null}
      {query.data && items.length === 0 ? (
        <p className="t3">{words.emptyUnread}</p>
      ) : null}
      <ul>
        {items.map((notice) => (
          <Line
            key={notice.id}
            notice={notice}
            onOpen={(to) => {
              void mark([notice.id]);
              onLeave();
              navigate(to);
            }}
          />
        ))}
      </ul>
      <div className="notice-acts">
        {items.length > 0 ? (
          <button
            type="button"
            className="btn small quiet"
            onClick={() => void mark(null)}
          >
            {words.readAll}
          </button>
        ) : null}
        <span className="grow" />
        <Link href="/notifications" className="btn small" onClick={onLeave}>
          {words.see}
        </Link>
      </div>
    </section>
  );
}

/** How much one was told and has not read, and the newest of it. */
export function Bell() {
  const unread = useUnread();
  const [opened, setOpened] = useState(false);
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={420}
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <button
          type="button"
          className={unread > 0 ? 'bell unread' : 'bell'}
          aria-label={words.bell(unread)}
          aria-expanded={opened}
          onClick={() => setOpened(!opened)}
        >
          <Glyph name="bell" />
          {unread > 0 ? <b aria-hidden="true">{unread > 99 ? '99+' : unread}</b> : null}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        {opened ? <Newest onLeave={() => setOpened(false)} /> : null}
      </Popover.Dropdown>
    </Popover>
  );
}
