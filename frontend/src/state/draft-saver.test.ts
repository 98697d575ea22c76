import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, OfflineError } from '@/api/client';
import { EMPTY_CONTENT } from '@/domain/draft';
import type { Content, Reading } from '@/domain/model';
import { DraftSaver, type SaveState } from './draft-saver';

const say = (impression: string): Content => ({ ...EMPTY_CONTENT, impression });

function reading(version: number, content: Content): Reading {
  return {
    id: 'r',
    item_id: 'i',
    state: 'draft',
    version,
    saved_at: null,
    signed_at: null,
    signed_by: null,
    stages: [],
    edition: 1,
    asks: [],
    verification: null,
    amends: null,
    unaided: null,
    content,
  };
}

type Answer = (version: number, content: Content) => Promise<Reading>;

function start(...answers: Answer[]) {
  const states: SaveState[] = [];
  const sent: { version: number; content: Content; last: boolean }[] = [];
  const kept: (string | null)[] = [];
  const ok: Answer = async (version, content) => reading(version + 1, content);
  const saver = new DraftSaver({
    version: 1,
    content: EMPTY_CONTENT,
    savedAt: 5,
    save: (version, content, last) => {
      sent.push({ version, content, last });
      return (answers.shift() ?? ok)(version, content);
    },
    copies: {
      keep: (_version, content) => kept.push(content.impression),
      drop: () => kept.push(null),
    },
    onState: (state) => states.push(state),
    chance: () => 0.5,
  });
  return { saver, states, sent, kept, kinds: () => states.map((state) => state.kind) };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('saving a draft', () => {
  it('sends the last words within a second, and drops the local copy after 2xx', async () => {
    const { saver, sent, kept, kinds } = start();
    saver.change(say('a'));
    saver.change(say('ab'));
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent).toEqual([{ version: 1, content: say('ab'), last: false }]);
    expect(kept).toEqual(['a', 'ab', null]);
    expect(kinds()).toEqual(['waiting', 'waiting', 'saving', 'saved']);
    expect(saver.version).toBe(2);
  });

  it('never has two requests in flight, and sends what came meanwhile after', async () => {
    let finish: () => void = () => undefined;
    const slow: Answer = (version, content) =>
      new Promise((resolve) => {
        finish = () => resolve(reading(version + 1, content));
      });
    const { saver, sent } = start(slow);
    saver.change(say('a'));
    await vi.advanceTimersByTimeAsync(800);
    saver.change(say('b'));
    await vi.advanceTimersByTimeAsync(3000);
    expect(sent).toHaveLength(1);
    finish();
    await vi.advanceTimersByTimeAsync(1000);
    expect(sent.map(({ version }) => version)).toEqual([1, 2]);
    expect(sent[1]?.content).toEqual(say('b'));
  });

  it('keeps offline work and sends it when the network is back', async () => {
    const away: Answer = () => Promise.reject(new OfflineError());
    const { saver, states, kept } = start(away, away);
    saver.change(say('a'));
    await vi.advanceTimersByTimeAsync(800);
    expect(states.at(-1)).toEqual({ kind: 'unsaved', offline: true, detail: '' });
    expect(kept).toEqual(['a']);
    await vi.advanceTimersByTimeAsync(5000);
    expect(states.at(-1)?.kind).toBe('saved');
  });

  it('stops at a conflict, then goes on from what the reader chose', async () => {
    const theirs = reading(9, say('theirs'));
    const conflict: Answer = () =>
      Promise.reject(new ApiError(412, 'conflict', 'changed', { current: theirs }));
    const { saver, states, sent } = start(conflict);
    saver.change(say('mine'));
    await vi.advanceTimersByTimeAsync(800);
    expect(states.at(-1)).toEqual({ kind: 'conflict', theirs });
    saver.change(say('mine, more'));
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toHaveLength(1);
    saver.resume(9, theirs.content, say('mine, more'));
    await vi.advanceTimersByTimeAsync(10);
    expect(sent[1]).toMatchObject({ version: 9, content: say('mine, more') });
  });

  it('keeps the work here when the lease is lost', async () => {
    const lost: Answer = () =>
      Promise.reject(
        new ApiError(409, 'lease_lost', 'lost', {
          holder: { display_name: 'Reader 03' },
        }),
      );
    const { saver, states, sent, kept } = start(lost);
    saver.change(say('mine'));
    await vi.advanceTimersByTimeAsync(800);
    expect(states.at(-1)).toMatchObject({ kind: 'lost', to: { holder: 'Reader 03' } });
    saver.change(say('mine, more'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
    expect(kept.at(-1)).toBe('mine, more');
  });

  it('has nothing to send when a change was taken back', async () => {
    const { saver, sent, states, kept } = start();
    saver.change(say('a'));
    saver.change(EMPTY_CONTENT);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([]);
    expect(states.at(-1)).toEqual({ kind: 'saved', at: 5 });
    expect(kept.at(-1)).toBeNull();
  });

  it('sends once more on leaving, without waiting', async () => {
    const { saver, sent } = start();
    saver.change(say('a'));
    saver.stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toEqual([{ version: 1, content: say('a'), last: true }]);
  });

  it('does not repeat what the portal refuses for good', async () => {
    const never: Answer = () =>
      Promise.reject(new ApiError(400, 'invalid', 'content.impression: is text', {}));
    const { saver, sent, states } = start(never);
    saver.change(say('a'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(1);
    expect(states.at(-1)).toMatchObject({ kind: 'unsaved', offline: false });
  });

  it('saves within a second however long one goes on typing', async () => {
    const { saver, sent } = start();
    for (let n = 0; n < 20; n += 1) {
      saver.change(say('x'.repeat(n + 1)));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(sent.length).toBeGreaterThanOrEqual(2);
  });
  it('takes its own words for no conflict when only the answer was lost', async () => {
    const lost: Answer = async () => {
      throw new OfflineError();
    };
    const there: Answer = async () => {
      throw new ApiError(412, 'conflict', '', { current: reading(2, say('a')) });
    };
    const { saver, kinds } = start(lost, there);
    saver.change(say('a'));
    await vi.advanceTimersByTimeAsync(5000);
    expect(kinds()).not.toContain('conflict');
    expect(kinds().at(-1)).toBe('saved');
    expect(saver.version).toBe(2);
  });
});
