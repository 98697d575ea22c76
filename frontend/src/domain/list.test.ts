import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addAbove,
  addBelow,
  applyEvents,
  climbs,
  compareOrders,
  cutTo,
  fromRows,
  hasGap,
  type ListState,
  orderOf,
  type Rows,
  sideOf,
} from './list';
import type { ItemEvent, Row, SortKey } from './model';
import { compareSpots, nextSort, type Sort, spotOf } from './order';
import { makeRow } from './testing';

/** A small portal: two sites, rows that change, numbered events with present rows. */
class Portal {
  readonly rows_ = new Map<string, Row>();
  readonly seq: Record<string, number> = { s1: 0, s2: 0 };
  readonly touched: { site: string; seq: number; id: string }[] = [];

  change(n: number, kind: number, minute: number): void {
    const id = `i${n}`;
    const site = n % 2 ? 's1' : 's2';
    if (kind === 0) this.rows_.delete(id);
    else this.rows_.set(id, this.#row(id, site, kind, minute));
    const seq = (this.seq[site] ?? 0) + 1;
    this.seq[site] = seq;
    this.touched.push({ site, seq, id });
  }

  #row(id: string, site: string, kind: number, minute: number): Row {
    const due = `2026-11-21T10:${String(minute).padStart(2, '0')}:00Z`;
    const arrived = '2026-11-21T09:00:00Z';
    const version = (this.rows_.get(id)?.version ?? this.touched.length) + 1;
    const sort_key: SortKey = [kind % 3, due, arrived, id];
    return makeRow({
      id,
      version,
      due_at: due,
      sort_key,
      site: { id: site, name: site },
    });
  }

  /** Events since, as the portal sends them: each with the item's present row. */
  since(seq: Readonly<Record<string, number>>): ItemEvent[] {
    return this.touched
      .filter((one) => one.seq > (seq[one.site] ?? 0))
      .map((one) => ({ ...one, kind: 'item', item: this.rows_.get(one.id) ?? null }));
  }

  /** Rows from a number on, as the portal sends them in an order. */
  rows(sort: Sort | null = null, at = 0, limit = Number.POSITIVE_INFINITY): Rows {
    const all = [...this.rows_.values()].sort((a, b) =>
      compareSpots(spotOf(a, sort), spotOf(b, sort), sort),
    );
    const items = all.slice(at, at + limit);
    return { seq: { ...this.seq }, items, more: at + items.length < all.length };
  }
}

const changes = fc.array(fc.tuple(fc.nat(12), fc.nat(3), fc.nat(59)), { maxLength: 60 });
const ids = (list: ListState) => orderOf(list).map((row) => row.id);

const sorts = fc.constantFrom<Sort | null>(
  null,
  { by: 'patient', descending: false },
  { by: 'waiting', descending: true },
  { by: 'ai', descending: true },
);

describe('the law: apply(old, events) equals the snapshot', () => {
  it('holds for any history, whatever repeats or comes in pieces', () => {
    fc.assert(
      fc.property(changes, changes, fc.nat(10), sorts, (before, after, cut, sort) => {
        const portal = new Portal();
        for (const one of before) portal.change(...one);
        const old = fromRows(portal.rows(sort), sort);
        for (const one of after) portal.change(...one);
        const events = portal.since(old.seq);
        const first = applyEvents(old, events.slice(0, cut));
        const second = applyEvents(first, events);
        const fresh = fromRows(portal.rows(sort), sort);
        expect(orderOf(second)).toEqual(orderOf(fresh));
        expect(second.seq).toEqual(portal.seq);
        expect(applyEvents(second, events)).toBe(second);
      }),
    );
  });

  it('holds between the ends of any window of it', () => {
    fc.assert(
      fc.property(
        changes,
        changes,
        fc.nat(5),
        fc.integer({ min: 1, max: 6 }),
        sorts,
        (before, after, at, limit, sort) => {
          const portal = new Portal();
          for (const one of before) portal.change(...one);
          const rows = portal.rows(sort, at, limit);
          if (rows.items.length === 0) return;
          const old = fromRows(rows, sort, at);
          for (const one of after) portal.change(...one);
          const now = applyEvents(old, portal.since(old.seq));
          const inside = portal
            .rows(sort)
            .items.filter((row) => sideOf(old, row) === 'in');
          expect(orderOf(now)).toEqual(inside);
        },
      ),
    );
  });

  it('keeps only what belongs to the view', () => {
    const portal = new Portal();
    const old = fromRows(portal.rows(), null);
    portal.change(1, 1, 5);
    portal.change(2, 1, 6);
    const now = applyEvents(old, portal.since(old.seq), (row) => row.site.id === 's1');
    expect(ids(now)).toEqual(['i1']);
    expect(now.seq).toEqual(portal.seq);
  });
});

describe('windows', () => {
  const row = (id: string, minute: number, version = 1) => {
    const due = `2026-11-21T10:${minute}:00Z`;
    return makeRow({ id, version, due_at: due });
  };
  const [a, b, c, d] = [row('a', 10), row('b', 20), row('c', 30), row('d', 40)] as const;
  const rows = (items: readonly Row[], more: boolean): Rows => ({
    items,
    more,
    seq: { s1: 12 },
  });
  const middle = fromRows({ ...rows([b, c], true), seq: { s1: 9 } }, null, 7);

  it('grow at both ends, and never put an older version over a newer', () => {
    const newer = { ...b, version: 3 };
    const list = { ...middle, items: new Map([...middle.items, ['b', newer]]) };
    const below = addBelow(list, rows([b, d], false));
    expect(ids(below)).toEqual(['b', 'c', 'd']);
    expect(below.items.get('b')?.version).toBe(3);
    expect(below.seq).toEqual({ s1: 9 });
    expect(below.end).toBeNull();
    const above = addAbove(below, rows([a], true));
    expect(ids(above)).toEqual(['a', 'b', 'c', 'd']);
    expect(above.offset).toBe(6);
    expect(addAbove(below, rows([a], false))).toMatchObject({ start: null, offset: 0 });
  });
  it('forget rows at an end, and know that they are there', () => {
    const list = fromRows(rows([a, b, c, d], false), null);
    const cut = cutTo(list, 1, 3);
    expect(ids(cut)).toEqual(['b', 'c']);
    expect(cut.offset).toBe(1);
    expect(sideOf(cut, a)).toBe('above');
    expect(sideOf(cut, d)).toBe('below');
    expect(cutTo(list, 0, 4)).toBe(list);
  });
  it('count what arrives above them, and what climbs out of them', () => {
    const event = (item: Row, seq: number): ItemEvent => ({
      site: 's1',
      seq,
      kind: 'item',
      item,
      id: item.id,
    });
    const arrived = applyEvents(middle, [event(a, 10)]);
    expect([ids(arrived), arrived.offset]).toEqual([['b', 'c'], 8]);
    const changed = applyEvents(middle, [event({ ...a, version: 4 }, 10)]);
    expect(changed.offset).toBe(7);
    const climbed = applyEvents(middle, [event({ ...row('c', 15), version: 2 }, 10)]);
    expect([ids(climbed), climbed.offset]).toEqual([['b'], 8]);
  });
});

describe('orders', () => {
  const rows = [
    makeRow({ id: '1', band: 'ROUTINE', arrived_at: '2026-11-21T08:00:00Z' }),
    makeRow({ id: '2', band: 'STAT', arrived_at: '2026-11-21T09:30:00Z' }),
    makeRow({ id: '3', band: 'PRIORITY', arrived_at: '2026-11-21T07:00:00Z' }),
    makeRow({ id: '4', band: 'STAT', arrived_at: '2026-11-21T09:10:00Z' }),
  ];
  const sorted = (sort: Sort | null) =>
    ids(fromRows({ items: rows, seq: {}, more: false }, sort)).join('');

  it('never break the bands, whichever way a column is sorted', () => {
    expect(sorted({ by: 'waiting', descending: false })).toBe('4231');
    expect(sorted({ by: 'waiting', descending: true })).toBe('2431');
    expect(sorted({ by: 'patient', descending: true }).slice(2)).toBe('31');
  });
  it('take a probability that is hidden for unknown', () => {
    const hidden = makeRow({
      id: 'h',
      protocol: { id: 'p', name: 'P', display_mode: 'after_commit' },
    });
    expect(spotOf(hidden, { by: 'ai', descending: true }).value).toBe(-1);
    expect(spotOf(makeRow({ id: 'x' }), { by: 'ai', descending: true }).value).toBe(0.5);
  });
  it('go up, down, and back to the rank', () => {
    const up = nextSort(null, 'patient');
    expect(up).toEqual({ by: 'patient', descending: false });
    const down = nextSort(up, 'patient');
    expect(down).toEqual({ by: 'patient', descending: true });
    expect(nextSort(down, 'patient')).toBeNull();
    expect(nextSort(down, 'ai')).toEqual({ by: 'ai', descending: true });
  });
});

describe('gaps', () => {
  const event = (seq: number): ItemEvent => ({
    site: 's1',
    seq,
    kind: 'item',
    item: null,
    id: 'x',
  });
  it('are seen when a number is missing, not for repeats or unknown sites', () => {
    expect(hasGap({ s1: 4 }, event(5))).toBe(false);
    expect(hasGap({ s1: 4 }, event(3))).toBe(false);
    expect(hasGap({ s1: 4 }, event(6))).toBe(true);
    expect(hasGap({}, event(6))).toBe(false);
  });
});

describe('the held order', () => {
  it('counts what comes, goes and moves', () => {
    expect(compareOrders(['a', 'b', 'c'], ['a', 'b', 'c'])).toBe(0);
    expect(compareOrders(['a', 'b', 'c'], ['c', 'a', 'b'])).toBe(1);
    expect(compareOrders(['a', 'b'], ['b', 'n'])).toBe(2);
  });
  it('knows by how many places a row has climbed', () => {
    expect([...climbs(['a', 'b', 'c'], ['c', 'a', 'b'])]).toEqual([['c', 2]]);
  });
});
