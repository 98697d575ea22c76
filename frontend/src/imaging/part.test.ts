import { describe, expect, it } from 'vitest';
import { bytesOf } from './part';

const answer = (sent: Uint8Array<ArrayBuffer>, stated: number) =>
  new Response(sent, { headers: { 'Content-Length': `${stated}` } });

describe('the bytes of an answer', () => {
  it('are read into the memory that is given for them, at its beginning', async () => {
    const asked: number[] = [];
    const room = (length: number) => {
      asked.push(length);
      return new Uint8Array(64).fill(9).buffer;
    };
    const bytes = await bytesOf(answer(Uint8Array.of(1, 2, 3), 3), room);
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(asked).toEqual([3]);
    expect(bytes.buffer.byteLength).toBe(64);
    expect([...new Uint8Array(bytes.buffer, 3, 2)]).toEqual([9, 9]);
  });

  it('have memory of their own else', async () => {
    const bytes = await bytesOf(answer(Uint8Array.of(1, 2, 3), 3));
    expect(bytes.buffer.byteLength).toBe(3);
  });

  it('are refused when the connection ended before the last', async () => {
    const cut = bytesOf(answer(Uint8Array.of(1, 2), 3));
    await expect(cut).rejects.toMatchObject({ kind: 'offline', detail: 'cut short' });
  });
});
