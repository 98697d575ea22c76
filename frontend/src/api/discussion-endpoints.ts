import type { Id, Instant } from '@/domain/model';
import { request } from './client';

export interface Colleague {
  readonly id: Id;
  readonly display_name: string;
  readonly initials: string;
}

/** What one person wrote about a study; it never changes. */
export interface Message {
  readonly id: Id;
  readonly at: Instant;
  readonly author: Colleague;
  readonly mine: boolean;
  readonly text: string;
  readonly mentioned: readonly Colleague[];
}

export interface Discussion {
  readonly about: {
    readonly patient: string;
    readonly study: string;
    readonly state: string;
  };
  /** The oldest first. */
  readonly items: readonly Message[];
  /** Why only one's own are there; empty where all are. */
  readonly hidden_reason: string;
  /** Whom one may call by @ and their username. */
  readonly people: readonly (Colleague & { readonly username: string })[];
}

const addressOf = (item: Id) => `worklist/items/${item}/discussion`;

export async function readDiscussion(item: Id): Promise<Discussion> {
  return (await request<Discussion>(addressOf(item))).data;
}

export async function writeMessage(item: Id, text: string): Promise<Message> {
  const options = { method: 'POST', body: { text } } as const;
  return (await request<Message>(addressOf(item), options)).data;
}
