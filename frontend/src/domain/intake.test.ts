import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  csvOf,
  type IntakeFile,
  keyOf,
  mayImportAt,
  nextChunk,
  rateOf,
  remedyOf,
} from './intake';

const file = (change: Partial<IntakeFile>): IntakeFile => ({
  id: 'f1',
  key: 'k',
  name: 'CD/IM0001',
  size: 10,
  received: 10,
  state: 'taken',
  status: 'stored',
  reason: '',
  study_uid: '1.2',
  in_zip: null,
  members: null,
  ...change,
});

describe('a file’s key', () => {
  it('is the same for the same file, short, and tells nothing of the path', () => {
    const key = keyOf('MEIER^HANS/IM0001', 524_288, 1_790_000_000_000);
    expect(key).toBe(keyOf('MEIER^HANS/IM0001', 524_288, 1_790_000_000_000));
    expect(key.length).toBeLessThanOrEqual(64);
    expect(key).not.toContain('MEIER');
  });
  it('tells a hundred thousand sibling paths apart', () => {
    const paths = Array.from({ length: 100_000 }, (_, n) => `CD/DICOM/S${n % 97}/IM${n}`);
    expect(new Set(paths.map((path) => keyOf(path, 1, 1))).size).toBe(paths.length);
  });
  it('differs by path, size and time', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (p, q) => {
        fc.pre(p !== q);
        return keyOf(p, 1, 1) !== keyOf(q, 1, 1);
      }),
    );
    expect(keyOf('a', 1, 1)).not.toBe(keyOf('a', 2, 1));
    expect(keyOf('a', 1, 1)).not.toBe(keyOf('a', 1, 2));
  });
});

describe('what to send next', () => {
  it('goes on from what the portal has, and says the end with an empty body', () => {
    const chunk = (size: number, received: number) =>
      nextChunk({ size, received, state: 'waiting' }, 4);
    expect(chunk(10, 0)).toEqual({ from: 0, to: 4 });
    expect(chunk(10, 8)).toEqual({ from: 8, to: 10 });
    expect(chunk(10, 10)).toEqual({ from: 10, to: 10 });
    expect(chunk(0, 0)).toEqual({ from: 0, to: 0 });
    expect(nextChunk({ size: 9, received: 9, state: 'taken' }, 4)).toBeNull();
  });
  it('covers every byte once, whatever the size', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.integer({ min: 1, max: 700 }), (size, most) => {
        let received = 0;
        let steps = 0;
        while (received < size) {
          const chunk = nextChunk({ size, received, state: 'waiting' }, most);
          if (!chunk || chunk.from !== received || chunk.to <= chunk.from) return false;
          received = chunk.to;
          steps += 1;
        }
        return steps === Math.ceil(size / most);
      }),
    );
  });
});

describe('a refusal', () => {
  const of = (status: number, code: string, body: Record<string, unknown> = {}) =>
    remedyOf({ status, code, body });
  it('has the remedy of the contract', () => {
    expect(of(409, 'offset_mismatch', { received: 7 })).toEqual({
      kind: 'go-on',
      received: 7,
    });
    expect(of(409, 'busy')).toEqual({ kind: 'again', why: 'busy' });
    expect(of(409, 'closed')).toEqual({ kind: 'end', why: 'closed' });
    expect(of(503, 'archive_unavailable')).toEqual({ kind: 'again', why: 'archive' });
    expect(of(500, '500')).toEqual({ kind: 'again', why: 'portal' });
    expect(of(507, 'disk_full')).toEqual({ kind: 'hold', why: 'disk_full' });
    expect(of(401, 'not_logged_in')).toEqual({ kind: 'hold', why: 'logged_out' });
    expect(of(413, 'too_large')).toEqual({ kind: 'give-up' });
    expect(of(404, 'not_found')).toEqual({ kind: 'end', why: 'gone' });
  });
});

describe('the rate', () => {
  it('looks at the last ten seconds only', () => {
    const samples = [0, 5000, 10_000, 20_000].map((at) => ({ at, bytes: at * 2 }));
    expect(rateOf(samples)).toBe(2000);
    expect(rateOf([{ at: 0, bytes: 0 }])).toBeNull();
    expect(
      rateOf([
        { at: 0, bytes: 0 },
        { at: 30_000, bytes: 10 },
        { at: 31_000, bytes: 1010 },
      ]),
    ).toBe(1000);
  });
});

describe('the report as CSV', () => {
  it('quotes, and hands no formula to a spreadsheet', () => {
    const lines = csvOf([
      file({ id: 'z', name: '=cmd(),"x"', status: 'opened' }),
      file({ in_zip: 'z', status: null, reason: 'two\nlines', study_uid: null }),
    ]).split('\r\n');
    expect(lines[0]).toBe('name,bytes,status,reason,study_uid,in_zip');
    expect(lines[1]).toBe(`"'=cmd(),""x""",10,opened,,1.2,`);
    expect(lines[2]).toBe(`CD/IM0001,10,waiting,"two\nlines",,"'=cmd(),""x"""`);
  });
});

describe('a site', () => {
  it('takes imports of those whose role allows it there', () => {
    expect(mayImportAt({ roles: ['annotator'] })).toBe(false);
    expect(mayImportAt({ roles: ['clinical_lead', 'radiologist'] })).toBe(true);
  });
});
