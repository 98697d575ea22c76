import './discussion.css';
import { Textarea } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import {
  type Discussion as Answer,
  type Message,
  readDiscussion,
  writeMessage,
} from '@/api/discussion-endpoints';
import { callAt, completeCall, meantBy } from '@/domain/calls';
import { formatExact } from '@/domain/format';
import type { Id } from '@/domain/model';
import { wordAgo } from '@/domain/wait';
import { useNow } from '@/state/clock';
import { useUnsent } from '@/state/unsent';
import { discussion as words } from '@/text/en-discussion';
import { Avatar, Key, Notice } from '@/ui/primitives';

const MOST = 2000;
const CALLS = 6;
/** Nothing is pushed: that somebody wrote must not be told to who reads blind. */
const POLL_MS = 10_000;

export const discussionKey = (item: Id) => ['discussion', item] as const;

export function useDiscussion(item: Id) {
  return useQuery({
    queryKey: discussionKey(item),
    queryFn: () => readDiscussion(item),
    refetchInterval: POLL_MS,
    staleTime: 0,
  });
}

function Said({ message }: { message: Message }) {
  const now = useNow();
  const { author, mentioned } = message;
  return (
    <li className="said">
      <Avatar initials={author.initials} me={message.mine} />
      <span>
        <b>{author.display_name}</b>{' '}
        <span className="t3" title={formatExact(message.at)}>
          {wordAgo(message.at, now)}
          {mentioned.length > 0
            ? ` · ${words.called(mentioned.map((one) => one.display_name).join(', '))}`
            : ''}
        </span>
      </span>
      <p>{message.text}</p>
    </li>
  );
}

function Messages({ answer }: { answer: Answer }) {
  const end = useRef<HTMLLIElement>(null);
  const n = answer.items.length;
  useEffect(() => {
    if (n > 0) end.current?.scrollIntoView({ block: 'nearest' });
  }, [n]);
  return (
    <>
      {answer.hidden_reason ? <p className="t2">{answer.hidden_reason}</p> : null}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by keyboard */}
      <ol aria-label={words.list} aria-live="polite" tabIndex={0}>
        {answer.items.map((message) => (
          <Said key={message.id} message={message} />
        ))}
        <li ref={end} aria-hidden="true" />
      </ol>
      {n === 0 ? (
        <p className="t3">{answer.hidden_reason ? words.emptyHidden : words.empty}</p>
      ) : null}
    </>
  );
}

/** A message to write; an @ offers whom one may call. */
function Writing({ item, people }: { item: Id; people: Answer['people'] }) {
  const queries = useQueryClient();
  const [typed, setTyped] = useUnsent(item);
  const [cursor, setCursor] = useState(typed.length);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const call = callAt(typed, cursor);
  const meant = call === null ? [] : meantBy(people, call).slice(0, CALLS);
  const ready = typed.trim() !== '' && !busy;

  function take(username: string): void {
    const next = completeCall(typed, cursor, username);
    // At once: what is typed next belongs after the name.
    flushSync(() => {
      setTyped(next.text);
      setCursor(next.cursor);
    });
    field.current?.focus();
    field.current?.setSelectionRange(next.cursor, next.cursor);
  }

  async function send(): Promise<void> {
    if (!ready) return;
    setBusy(true);
    try {
      await writeMessage(item, typed);
      setTyped('');
      setProblem(null);
      await queries.invalidateQueries({ queryKey: discussionKey(item) });
    } catch (error) {
      setProblem(error instanceof Error ? error.message : '');
    } finally {
      setBusy(false);
    }
  }

  function onKeyDown(event: KeyboardEvent): void {
    const [first] = meant;
    if (event.key === 'Tab' && !event.shiftKey && first) {
      event.preventDefault();
      take(first.username);
    } else if (event.key === 'Enter' && event.ctrlKey) {
      event.preventDefault();
      event.stopPropagation();
      void send();
    }
  }

  return (
    <form
      className="form-column"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Textarea
        ref={field}
        label={words.label}
        description={words.hint}
        placeholder={words.placeholder}
        value={typed}
        maxLength={MOST}
        autosize
        minRows={2}
        maxRows={8}
        data-autofocus
        onKeyDown={onKeyDown}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart)}
        onChange={(event) => {
          setProblem(null);
          setTyped(event.currentTarget.value);
          setCursor(event.currentTarget.selectionStart);
        }}
      />
      {meant.length > 0 ? (
        <fieldset className="calls" aria-label={words.calls}>
          {meant.map((one) => (
            <button
              key={one.id}
              type="button"
              className="btn small"
              onClick={() => take(one.username)}
            >
              @{one.username} <span className="t3">{one.display_name}</span>
            </button>
          ))}
          <output className="t3">{words.takes(`@${meant[0]?.username ?? ''}`)}</output>
        </fieldset>
      ) : null}
      {problem === null ? null : (
        <Notice kind="fail" title={words.notSent} assertive>
          {problem}
        </Notice>
      )}
      <div className="form-actions">
        <button type="submit" className="btn primary" aria-disabled={!ready}>
          {words.send} <Key>Ctrl+Enter</Key>
        </button>
      </div>
    </form>
  );
}

/** What people wrote about a study, as far as this person may see it, and one's own. */
export function Discussion({ item }: { item: Id }) {
  const { data, error } = useDiscussion(item);
  return (
    <div className="discussion">
      {error ? (
        <Notice kind="fail" title={words.readFailed}>
          {error.message}
        </Notice>
      ) : null}
      {data ? <Messages answer={data} /> : null}
      <Writing item={item} people={data?.people ?? []} />
    </div>
  );
}
