import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Seq } from '@/domain/model';
import { type SocketListener, WorklistSocket } from './worklist-socket';

/** The border: what a browser's WebSocket does, driven by the test. */
class FakeSocket {
  static readonly all: FakeSocket[] = [];
  readyState = 0;
  readonly sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.readyState = 3;
    this.onclose?.({ code: 1000 });
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

function last(): FakeSocket {
  const socket = FakeSocket.all.at(-1);
  if (!socket) throw new Error('no socket');
  return socket;
}

function listen(seq: Seq) {
  const told: string[] = [];
  const listener: SocketListener = {
    since: () => seq,
    events: (events) => told.push(`events ${events.length}`),
    resync: (site) => told.push(`resync ${site}`),
    tick: () => told.push('tick'),
    notified: () => undefined,
    explained: (item) => told.push(`explained ${item}`),
    connected: (up) => told.push(up ? 'up' : 'down'),
    loggedOut: () => told.push('logged out'),
  };
  const socket = new WorklistSocket(listener, {
    open: () => new FakeSocket() as unknown as WebSocket,
    chance: () => 0.5,
    url: 'ws://test',
  });
  return { told, socket };
}

beforeEach(() => {
  vi.useFakeTimers();
  FakeSocket.all.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the worklist socket', () => {
  it('subscribes from the last known numbers, and only once there are any', () => {
    const { socket } = listen({ s1: 7 });
    socket.start();
    last().open();
    expect(JSON.parse(last().sent[0] ?? '')).toEqual({
      type: 'subscribe',
      since: { s1: 7 },
    });
    socket.ensure();
    expect(last().sent).toHaveLength(1);
    const early = listen({});
    early.socket.start();
    last().open();
    expect(last().sent).toEqual([]);
  });

  it('comes back with growing pauses and resumes', () => {
    const { socket, told } = listen({ s1: 1 });
    socket.start();
    last().open();
    last().close();
    expect(told).toEqual(['up', 'down']);
    vi.advanceTimersByTime(499);
    expect(FakeSocket.all).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(FakeSocket.all).toHaveLength(2);
    last().close();
    vi.advanceTimersByTime(999);
    expect(FakeSocket.all).toHaveLength(2);
    vi.advanceTimersByTime(1);
    last().open();
    expect(last().sent).toHaveLength(1);
  });

  it('takes silence for a lost connection, but not while ticks come', () => {
    const { socket, told } = listen({ s1: 1 });
    socket.start();
    last().open();
    for (let i = 0; i < 10; i += 1) {
      vi.advanceTimersByTime(5000);
      last().say({ type: 'tick', seq: { s1: 1 }, now: 'x' });
    }
    expect(told).not.toContain('down');
    vi.advanceTimersByTime(17_000);
    expect(told.at(-1)).toBe('down');
  });

  it('hands on events and resync, and survives nonsense', () => {
    const { socket, told } = listen({ s1: 1 });
    socket.start();
    last().open();
    last().onmessage?.({ data: 'no json' });
    last().say({ type: 'events', events: [{}, {}], now: 'x' });
    last().say({ type: 'resync', site: 's1', reason: 'old' });
    last().say({ type: 'explained', item: 'i1' });
    expect(told).toEqual(['up', 'events 2', 'resync s1', 'explained i1']);
  });

  it('tells when the session has ended, and stops for good when asked', () => {
    const { socket, told } = listen({ s1: 1 });
    socket.start();
    last().open();
    last().onclose?.({ code: 4401 });
    expect(told).toContain('logged out');
    socket.stop();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });
});
