import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addPage,
  applyEvents,
  climbs,
  compareOrders,
  fromPage,
  hasGap,
  type ListState,
  orderOf,
} from './list';
import type { ItemEvent, Row, SortKey, WorklistPage } from './model';
import { compareKeys } from './ranking';
import { makeRow } from './testing';

/** A small portal: two sites, rows that change, numbered events with present rows. */
class Portal {
  readonly rows = new Map<string, Row>();
  readonly seq: Record<string, number> = { s1: 0, s2: 0 };
  readonly touched: { site: string; seq: number; id: string }[] = [];

  change(n: number, kind: number, minute: number): void {
    const id = `i${n}`;
    const site = n % 2 ? 's1' : 's2';
    if (kind === 0) this.rows.delete(id);
    else this.rows.set(id, this.#row(id, site, kind, minute));
    const seq = (this.seq[site] ?? 0) + 1;
    this.seq[site] = seq;
    this.touched.push({ site, seq, id });
  }

  #row(id: string, site: string, kind: number, minute: number): Row {
    const due = `2026-11-21T10:${String(minute).padStart(2, '0')}:00Z`;
    const arrived = '2026-11-21T09:00:00Z';
    const version = (this.rows.get(id)?.version ?? this.touched.length) + 1;
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
      .map((one) => ({ ...one, kind: 'item', item: this.rows.get(one.id) ?? null }));
  }

  page(limit = Number.POSITIVE_INFINITY): WorklistPage {
    const all = [...this.rows.values()].sort((a, b) =>
      compareKeys(a.sort_key, b.sort_key),
    );
    const items = all.slice(0, limit);
    return {
      seq: { ...this.seq },
      now: '2026-11-21T10:00:00Z',
      ai_ordering: {},
      items,
      next_cursor: items.length < all.length ? 'more' : null,
      total: all.length,
      bands: {},
      facets: { modality: [], body_part: [] },
    };
  }
}

const changes = fc.array(fc.tuple(fc.nat(12), fc.nat(3), fc.nat(59)), { maxLength: 60 });
const ids = (list: ListState) => orderOf(list).map((row) => row.id);

describe('the law: apply(old, events) equals the snapshot', () => {
  it('holds for any history, whatever repeats or comes in pieces', () => {
    fc.assert(
      fc.property(changes, changes, fc.nat(10), (before, after, cut) => {
        const portal = new Portal();
        for (const one of before) portal.change(...one);
        const old = fromPage(portal.page());
        for (const one of after) portal.change(...one);
        const events = portal.since(old.seq);
        const first = applyEvents(old, events.slice(0, cut));
        const second = applyEvents(first, events);
        expect(orderOf(second)).toEqual(orderOf(fromPage(portal.page())));
        expect(second.seq).toEqual(portal.seq);
        expect(applyEvents(second, events)).toBe(second);
      }),
    );
  });

  it('holds up to the horizon when only the first page is known', () => {
    fc.assert(
      fc.property(
        changes,
        changes,
        fc.integer({ min: 1, max: 6 }),
        (before, after, limit) => {
          const portal = new Portal();
          for (const one of before) portal.change(...one);
          const old = fromPage(portal.page(limit));
          for (const one of after) portal.change(...one);
          const now = applyEvents(old, portal.since(old.seq));
          const { horizon } = old;
          const expected = portal
            .page()
            .items.filter((row) => !horizon || compareKeys(row.sort_key, horizon) <= 0);
          expect(orderOf(now)).toEqual(expected);
        },
      ),
    );
  });

  it('keeps only what belongs to the view', () => {
    const portal = new Portal();
    const old = fromPage(portal.page());
    portal.change(1, 1, 5);
    portal.change(2, 1, 6);
    const now = applyEvents(old, portal.since(old.seq), (row) => row.site.id === 's1');
    expect(ids(now)).toEqual(['i1']);
    expect(now.seq).toEqual(portal.seq);
  });
});

describe('pages', () => {
  it('add rows below, and never put an older version over a newer', () => {
    const a = makeRow({ id: 'a', version: 3 });
    const list: ListState = {
      items: new Map([['a', a]]),
      seq: { s1: 9 },
      horizon: a.sort_key,
    };
    const b = makeRow({ id: 'b', due_at: '2026-11-21T11:00:00Z' });
    const page = { ...new Portal().page(), items: [makeRow({ id: 'a', version: 2 }), b] };
    const both = addPage(list, page);
    expect(ids(both)).toEqual(['a', 'b']);
    expect(both.items.get('a')?.version).toBe(3);
    expect(both.seq).toEqual({ s1: 9 });
    expect(both.horizon).toBeNull();
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
