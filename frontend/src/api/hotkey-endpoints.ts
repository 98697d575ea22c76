import type { OwnKeys } from '@/domain/own-keys';
import { request } from './client';

export async function readHotkeys(): Promise<OwnKeys> {
  return (await request<{ keys: OwnKeys }>('hotkeys')).data.keys;
}

/** Keeps them whole: what is not named has our keys again. */
export async function saveHotkeys(keys: OwnKeys): Promise<OwnKeys> {
  const answer = await request<{ keys: OwnKeys }>('hotkeys', {
    method: 'PUT',
    body: { keys },
  });
  return answer.data.keys;
}
