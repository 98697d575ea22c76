import { describe, expect, it } from 'vitest';
import { inOrder, lookThrough } from './dropped';

/** Entries as browsers hand them out: children at most two at a time here. */
function fileEntry(fullPath: string, broken = false): FileSystemEntry {
  const name = fullPath.split('/').at(-1) ?? '';
  return {
    fullPath,
    name,
    isFile: true,
    isDirectory: false,
    file: (done: (file: File) => void, fail: (error: Error) => void) =>
      broken ? fail(new Error('NotFoundError')) : done(new File(['x'], name)),
  } as unknown as FileSystemEntry;
}

function folderEntry(fullPath: string, children: FileSystemEntry[]): FileSystemEntry {
  return {
    fullPath,
    name: fullPath.split('/').at(-1),
    isFile: false,
    isDirectory: true,
    createReader: () => {
      const rest = [...children];
      return {
        readEntries: (done: (entries: FileSystemEntry[]) => void) =>
          done(rest.splice(0, 2)),
      };
    },
  } as unknown as FileSystemEntry;
}

const disc = folderEntry('/CD', [
  fileEntry('/CD/DICOMDIR'),
  folderEntry('/CD/empty', []),
  folderEntry(
    '/CD/S1',
    [1, 10, 2, 3, 4].map((n) => fileEntry(`/CD/S1/IM${n}`)),
  ),
]);

describe('what is dropped', () => {
  const { signal } = new AbortController();
  it('is looked through to the last folder, all batches of it', async () => {
    const told: number[] = [];
    const { files, unreadable } = await lookThrough(
      [disc, fileEntry('/loose.dcm')],
      (n) => told.push(n),
      signal,
    );
    expect(inOrder(files).map(({ path }) => path)).toEqual([
      'CD/DICOMDIR',
      'CD/S1/IM1',
      'CD/S1/IM2',
      'CD/S1/IM3',
      'CD/S1/IM4',
      'CD/S1/IM10',
      'loose.dcm',
    ]);
    expect(unreadable).toBe(0);
    expect(told.at(-1)).toBe(7);
  });
  it('counts what this computer does not let through, and goes on', async () => {
    const entries = [fileEntry('/a', true), fileEntry('/b')];
    const { files, unreadable } = await lookThrough(entries, () => undefined, signal);
    expect(files.map(({ path }) => path)).toEqual(['b']);
    expect(unreadable).toBe(1);
  });
  it('can be called off', async () => {
    const stop = new AbortController();
    const { files } = await lookThrough([disc], () => stop.abort(), stop.signal);
    expect(files).toEqual([]);
  });
});
