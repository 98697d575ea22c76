import { backOff } from '@/domain/backoff';
import type { Id, ItemEvent, Seq } from '@/domain/model';

/** What the socket tells its owner. All calls come in the order of arrival. */
export interface SocketListener {
  /** Where to resume from: asked at each (re)connection. */
  since(): Seq;
  events(events: readonly ItemEvent[], now: string): void;
  /** The portal cannot fill the gap: take a new snapshot. */
  resync(site: string): void;
  /** The portal's present numbers; behind them means that something was lost. */
  tick(seq: Seq, now: string): void;
  /** How many notifications this person has not read now. */
  notified(unread: number): void;
  /** It is known now where findings of an item come from, or why not. */
  explained(item: Id): void;
  connected(up: boolean): void;
  /** The portal closed because this browser is no longer logged in. */
  loggedOut(): void;
}

type Message =
  | { type: 'events'; events: ItemEvent[]; now: string }
  | { type: 'resync'; site: string; reason: string }
  | { type: 'notified'; unread: number }
  | { type: 'explained'; item: Id }
  | { type: 'tick'; seq: Record<string, number>; now: string };

export interface SocketOptions {
  readonly open?: (url: string) => WebSocket;
  readonly chance?: () => number;
  readonly url?: string;
}

/** The portal's closing code for a session that has ended. */
const CLOSE_NOT_LOGGED_IN = 4401;
/** Silence longer than this means that the connection is dead (a tick comes every 5 s). */
const SILENCE_MS = 17_000;

function defaultUrl(): string {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${scheme}//${location.host}/ws/worklist`;
}

/**
 * Keeps one socket to `/ws/worklist`: subscribes from the last known numbers, comes back
 * with growing pauses, and treats silence as a lost connection.
 */
export class WorklistSocket {
  readonly #listener: SocketListener;
  readonly #open: (url: string) => WebSocket;
  readonly #chance: () => number;
  readonly #url: string;
  #socket: WebSocket | null = null;
  #attempt = 0;
  #subscribed = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;

  constructor(listener: SocketListener, options: SocketOptions = {}) {
    this.#listener = listener;
    this.#open = options.open ?? ((url) => new WebSocket(url));
    this.#chance = options.chance ?? Math.random;
    this.#url = options.url ?? defaultUrl();
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#drop();
  }

  /** Asks (again) from the last known numbers; without a snapshot there is nothing to ask. */
  subscribe(): void {
    const since = this.#listener.since();
    if (this.#socket?.readyState !== 1 || Object.keys(since).length === 0) return;
    this.#subscribed = true;
    this.#socket.send(JSON.stringify({ type: 'subscribe', since }));
  }

  /** Subscribes unless this connection already is: called when a snapshot has come. */
  ensure(): void {
    if (!this.#subscribed) this.subscribe();
  }

  /** Tries at once instead of waiting for the pause to end. */
  wake(): void {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#retry);
    this.#connect();
  }

  #connect(): void {
    const socket = this.#open(this.#url);
    this.#socket = socket;
    this.#subscribed = false;
    socket.onopen = () => {
      this.#attempt = 0;
      this.#listenForSilence();
      this.#listener.connected(true);
      this.subscribe();
    };
    socket.onmessage = (message) => {
      this.#listenForSilence();
      this.#receive(String(message.data));
    };
    socket.onclose = (event) => {
      if (event.code === CLOSE_NOT_LOGGED_IN) this.#listener.loggedOut();
      this.#lost(socket);
    };
    socket.onerror = () => socket.close();
    this.#listenForSilence();
  }

  #receive(text: string): void {
    const message = parse(text);
    if (message?.type === 'events') this.#listener.events(message.events, message.now);
    else if (message?.type === 'resync') this.#listener.resync(message.site);
    else if (message?.type === 'notified') this.#listener.notified(message.unread);
    else if (message?.type === 'explained') this.#listener.explained(message.item);
    else if (message?.type === 'tick') this.#listener.tick(message.seq, message.now);
  }

  #listenForSilence(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      const silent = this.#socket;
      this.#drop();
      if (silent) this.#again();
    }, SILENCE_MS);
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#again();
  }

  #again(): void {
    clearTimeout(this.#silence);
    this.#listener.connected(false);
    if (this.#stopped) return;
    const pause = backOff(this.#attempt, this.#chance());
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.#connect(), pause);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }
}

function parse(text: string): Message | null {
  try {
    return JSON.parse(text) as Message;
  } catch {
    return null;
  }
}
