import { describe, expect, it } from 'vitest';
import { ApiError, OfflineError } from '@/api/client';
import type { NamedFile } from '@/api/intake-endpoints';
import type { Intake, IntakeFile } from '@/domain/intake';
import { type ChosenFile, type LocalFile, type UploadBorder, Uploader } from './uploader';

const MB = 1024 ** 2;

function chosen(path: string, size: number, broken = false): ChosenFile {
  const file: LocalFile = {
    size,
    lastModified: 1,
    slice: (from, to) => ({
      arrayBuffer: async () => {
        if (broken) throw new Error('gone');
        return new ArrayBuffer(to - from);
      },
    }),
  };
  return { path, file };
}

const refusal = (status: number, code: string, body = {}) =>
  new ApiError(status, code, code, body);

/** The portal's side of the contract, in memory; `fault` may throw before any answer. */
class Portal implements UploadBorder {
  readonly files = new Map<string, IntakeFile>();
  intake: Intake | null = null;
  puts = 0;
  waits = 0;
  bytes = 0;
  fault: (put: number, file: IntakeFile) => void = () => undefined;
  refuseName: (file: NamedFile) => boolean = () => false;
  /** Empty calls that a zip asks for before it is taken. */
  zipCalls = 0;

  async begin(site: string): Promise<Intake> {
    const zero = { stored: 0, already: 0, conflict: 0, refused: 0, skipped: 0 };
    this.intake = {
      id: 'intake',
      site: { id: site, name: 'Northfield' },
      by: null,
      mine: true,
      via: 'upload',
      state: 'open',
      started_at: '2026-11-21T10:00:00Z',
      finished_at: null,
      counts: { files: 0, waiting: 0, missing: 0, zips: 0, bytes: 0, ...zero },
    };
    return this.intake;
  }

  async name(_intake: string, files: readonly NamedFile[]) {
    if (files.some(this.refuseName)) throw refusal(400, 'invalid');
    return files.map((file) => {
      const known = this.files.get(file.key);
      const made: IntakeFile = known ?? {
        ...file,
        id: `f${this.files.size}`,
        received: 0,
        state: 'waiting',
        status: null,
        reason: '',
        study_uid: null,
        in_zip: null,
        members: null,
      };
      this.files.set(file.key, made);
      return made;
    });
  }

  async send(
    _intake: string,
    id: string,
    chunk: { offset: number; bytes: ArrayBuffer },
  ): Promise<IntakeFile> {
    const file = [...this.files.values()].find((one) => one.id === id);
    if (!file) throw refusal(404, 'not_found');
    this.puts += 1;
    this.fault(this.puts, file);
    if (this.intake?.state !== 'open') throw refusal(409, 'closed');
    if (chunk.offset !== file.received) {
      throw refusal(409, 'offset_mismatch', { received: file.received });
    }
    this.bytes += chunk.bytes.byteLength;
    const next = this.#take(file, chunk.bytes.byteLength);
    this.files.set(file.key, next);
    return next;
  }

  #take(file: IntakeFile, bytes: number): IntakeFile {
    const received = file.received + bytes;
    if (received < file.size) return { ...file, received };
    if (this.zipCalls > 0) {
      this.zipCalls -= 1;
      return { ...file, received, state: 'received' };
    }
    return { ...file, received, state: 'taken', status: 'stored' };
  }

  async finish(_intake: string, giveUp: boolean): Promise<Intake> {
    const open = [...this.files.values()].filter((one) => one.state !== 'taken');
    if (open.length > 0 && !giveUp) throw refusal(409, 'unfinished');
    if (!this.intake) throw refusal(404, 'not_found');
    this.intake = { ...this.intake, state: 'done' };
    return this.intake;
  }

  async wait(): Promise<void> {
    this.waits += 1;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  chance = () => 0.5;
}

function setUp(portal = new Portal()) {
  const uploader = new Uploader(portal, () => undefined);
  const until = async (phase: string) => {
    for (let n = 0; n < 2000 && uploader.view.phase !== phase; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(uploader.view.phase).toBe(phase);
  };
  return { portal, uploader, until };
}

const series = (n: number, size = 100) =>
  Array.from({ length: n }, (_, i) => chosen(`CD/IM${i}`, size));

describe('an upload', () => {
  it('sends every byte of every file once, large ones in chunks, then finishes', async () => {
    const { portal, uploader, until } = setUp();
    uploader.add([...series(1200), chosen('big', 9 * MB), chosen('empty', 0)]);
    await uploader.start({ site: 's' });
    await until('done');
    expect(portal.bytes).toBe(1200 * 100 + 9 * MB);
    expect(uploader.view).toMatchObject({ files: 1202, taken: 1202, unsent: 0 });
    expect(uploader.view.sent).toBe(uploader.view.bytes);
    expect(portal.puts).toBe(1200 + 3 + 1);
  });

  it('goes on after lost answers: what the portal has is not sent again', async () => {
    const { portal, uploader, until } = setUp();
    portal.fault = (put, file) => {
      if (put % 3 !== 0) return;
      if (put % 2 === 0 && file.received === 0) {
        // The bytes came in, the answer did not go out.
        const half = Math.min(file.size, 40);
        portal.files.set(file.key, { ...file, received: half });
        portal.bytes += half;
      }
      throw new OfflineError();
    };
    uploader.add(series(60));
    await uploader.start({ site: 's' });
    await until('done');
    expect(portal.bytes).toBe(60 * 100);
    expect(uploader.view.sent).toBe(60 * 100);
    expect(portal.waits).toBeGreaterThan(0);
  });

  it('waits while the archive is away and says so', async () => {
    const { portal, uploader, until } = setUp();
    const said = new Set<string | null>();
    portal.fault = (put) => {
      said.add(uploader.view.waiting);
      if (put < 12) throw refusal(503, 'archive_unavailable');
    };
    uploader.add(series(3));
    await uploader.start({ site: 's' });
    await until('done');
    expect(said).toContain('archive');
    expect(uploader.view.waiting).toBeNull();
  });

  it('asks a large zip to go on until it is taken', async () => {
    const { portal, uploader, until } = setUp();
    portal.zipCalls = 1;
    uploader.add([chosen('disc.zip', 10)]);
    await uploader.start({ site: 's' });
    await until('done');
    expect(portal.puts).toBe(2);
    expect(portal.bytes).toBe(10);
  });

  it('holds when the disk is full, and goes on when asked to', async () => {
    const { portal, uploader, until } = setUp();
    let full = true;
    portal.fault = (put) => {
      if (full && put > 5) throw refusal(507, 'disk_full');
    };
    uploader.add(series(20));
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view.hold).toBe('disk_full');
    full = false;
    uploader.resume();
    await until('done');
    expect(portal.bytes).toBe(2000);
  });

  it('pauses, and after a reload knows what was taken', async () => {
    const { portal, uploader, until } = setUp();
    portal.fault = (put) => {
      if (put === 30) uploader.pause();
    };
    uploader.add(series(100));
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view.hold).toBe('user');
    const before = portal.bytes;
    expect(before).toBeLessThan(100 * 100);

    portal.fault = () => undefined;
    const again = setUp(portal);
    again.uploader.add(series(100));
    if (portal.intake) await again.uploader.start({ intake: portal.intake });
    await again.until('done');
    expect(portal.bytes).toBe(100 * 100);
    expect(again.uploader.view.known).toBeGreaterThanOrEqual(25);
    expect(again.uploader.view.sent).toBe(100 * 100);
  });

  it('sets a file aside that this computer cannot read, and asks what to do', async () => {
    const { portal, uploader, until } = setUp();
    uploader.add([...series(4), chosen('scratched', 10, true)]);
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view).toMatchObject({ hold: 'failed', unsent: 1, taken: 4 });
    expect(uploader.view.unsentFiles[0]).toMatchObject({
      name: 'scratched',
      why: 'unreadable',
    });
    await uploader.finish(true);
    expect(uploader.view.phase).toBe('done');
    expect(portal.intake?.state).toBe('done');
  });

  it('stops when the disc is taken out instead of failing every file', async () => {
    const { uploader, until } = setUp();
    uploader.add(Array.from({ length: 500 }, (_, i) => chosen(`CD/${i}`, 10, true)));
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view.hold).toBe('unreadable');
    expect(uploader.view.unsent).toBeLessThan(20);
  });

  it('finds the one name that the portal does not take', async () => {
    const { portal, uploader, until } = setUp();
    portal.refuseName = ({ name }) => name === 'bad';
    uploader.add([...series(130), chosen('bad', 5), ...series(3, 7)]);
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view).toMatchObject({ hold: 'failed', unsent: 1, taken: 133 });
  });

  it('ends when the intake was closed elsewhere', async () => {
    const { portal, uploader, until } = setUp();
    portal.fault = (put) => {
      if (put === 5 && portal.intake) portal.intake = { ...portal.intake, state: 'done' };
    };
    uploader.add(series(50));
    await uploader.start({ site: 's' });
    await until('held');
    expect(uploader.view.hold).toBe('closed');
  });

  it('takes further files while it runs, and the same ones once', async () => {
    const { portal, uploader, until } = setUp();
    portal.fault = (put) => {
      if (put === 3) uploader.add([...series(10), ...series(5, 50)]);
    };
    uploader.add(series(10));
    await uploader.start({ site: 's' });
    await until('done');
    expect(uploader.view.files).toBe(15);
    expect(portal.bytes).toBe(10 * 100 + 5 * 50);
  });

  it('can be dropped, and used for the next import', async () => {
    const { portal, uploader, until } = setUp();
    uploader.add(series(30));
    await uploader.start({ site: 's' });
    uploader.drop();
    expect(uploader.view.phase).toBe('idle');
    portal.files.clear();
    uploader.add(series(10));
    await uploader.start({ site: 's' });
    await until('done');
    expect(uploader.view.files).toBe(10);
    expect(portal.intake?.state).toBe('done');
  });
});
