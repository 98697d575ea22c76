import { describe, expect, it } from 'vitest';
import type { Hangings } from '@/domain/hanging';
import type { Row } from '@/domain/model';
import type { PackIndex } from '@/imaging/pack';
import {
  beginningOf,
  type FirstAhead,
  firstAhead,
  keepFirst,
  mayBeginElsewhere,
} from './first-ahead';

const image = (n_frames = 1) => ({ n_frames });
const series = (index: number, uid: string, images: unknown[], displayable = true) => ({
  index,
  uid,
  displayable,
  instances: images,
});
const pack = (...all: unknown[]) => ({ series: all }) as unknown as PackIndex;
const hung = (pane: object, rows = 1, columns = 1) =>
  ({
    chosen: 'a',
    items: [{ id: 'a', rows, columns, panes: [pane] }],
  }) as unknown as Hangings | null;
const plain = { series_uid: 'two', sop_uid: '', lean: '', over_uid: '', window: null };
const row = (label: string | null) => ({ ai: { label } }) as Row;

const TWO = pack(
  series(0, 'report', [image()], false),
  series(1, 'one', [image()]),
  series(2, 'two', [image(), image()]),
);

describe('beginningOf', () => {
  it('is the first series that can be shown, where nothing says otherwise', () => {
    expect(beginningOf(TWO, null)?.series.uid).toBe('one');
    expect(beginningOf(pack(), null)).toBeNull();
  });

  it('is what the protocol hangs first, with its window and its grid', () => {
    const window = { width: 1500, level: -600 };
    const begin = beginningOf(TWO, hung({ ...plain, window }, 1, 2));
    expect(begin).toMatchObject({ series: { uid: 'two' }, window, rows: 1, columns: 2 });
  });

  it('is nothing where the first viewport leans, is fused or begins elsewhere', () => {
    for (const more of [{ lean: 'left' }, { over_uid: 'pet' }, { sop_uid: '1.2' }]) {
      expect(beginningOf(TWO, hung({ ...plain, ...more }))).toBeNull();
    }
  });
});

describe('mayBeginElsewhere', () => {
  it('is so only where AI speaks and there is another image', () => {
    const film = pack(series(0, 'film', [image()]));
    const loop = pack(series(0, 'loop', [image(30)]));
    expect(mayBeginElsewhere(row('Nodule'), TWO)).toBe(true);
    expect(mayBeginElsewhere(row('Nodule'), loop)).toBe(true);
    expect(mayBeginElsewhere(row('Nodule'), film)).toBe(false);
    for (const nothing of [null, '']) {
      expect(mayBeginElsewhere(row(nothing), TWO)).toBe(false);
    }
  });
});

describe('keepFirst', () => {
  const first = (rows: number) =>
    ({
      itemId: 'next',
      picture: { image: { rows, columns: 4096 } },
    }) as unknown as FirstAhead;

  it('keeps one picture, of the item that it is of, and none that is too large', () => {
    const kept = first(4096);
    keepFirst(kept);
    expect(firstAhead('next')).toBe(kept);
    expect(firstAhead('other')).toBeNull();
    keepFirst(first(4097));
    expect(firstAhead('next')).toBeNull();
  });
});
