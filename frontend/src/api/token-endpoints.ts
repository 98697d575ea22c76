import type { Id, Instant } from '@/domain/model';
import { request } from './client';

/** What a token may be used for. */
export type TokenScope = 'read' | 'store';

/** One of my API tokens, without its secret; `hint` is how the secret begins. */
export interface ApiToken {
  readonly id: Id;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly TokenScope[];
  readonly created_at: Instant;
  readonly expires_at: Instant;
  readonly last_used_at: Instant | null;
}

/** A new token with its secret, which no other answer has. */
export interface NewToken extends ApiToken {
  readonly token: string;
}

export async function readTokens(): Promise<readonly ApiToken[]> {
  return (await request<{ items: ApiToken[] }>('tokens')).data.items;
}

export async function makeToken(asked: {
  name: string;
  scopes: readonly TokenScope[];
  days: number;
}): Promise<NewToken> {
  return (await request<NewToken>('tokens', { method: 'POST', body: asked })).data;
}

export async function revokeToken(id: Id): Promise<void> {
  await request(`tokens/${id}`, { method: 'DELETE' });
}
