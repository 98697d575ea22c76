import { describe, expect, it } from 'vitest';
import { formatExact } from '@/domain/format';
import { audit } from '@/text/en-audit';
import schema from '../../../schema.json';
import { detailWords } from './audit-words';

describe('the detail of an audit record', () => {
  it('says codes, instants and truth in words', () => {
    const due = '2026-11-19T09:17:34+00:00';
    expect(
      detailWords({ after: ['PRIORITY', due], cause: 'ai', before: ['ROUTINE'] }),
    ).toBe(`cause ai · before ROUTINE · after PRIORITY, ${formatExact(due)}`);
    expect(detailWords({ kind: 'ai_result', again: false, n: 6 })).toBe(
      'kind ai result · again no · rows 6',
    );
  });

  it('leaves out what is empty', () => {
    expect(detailWords({ calling_aet: '', events: [], to: null })).toBe('');
    expect(detailWords(null)).toBe('');
    expect(detailWords({ n: 0 })).toBe('rows 0');
  });
});

describe('the events of the audit log', () => {
  it('have words, each one of the portal’s', () => {
    const lists = JSON.stringify(schema).match(/\["system:start"[^\]]*\]/g) ?? [];
    const names: string[] = lists.flatMap((list) => JSON.parse(list));
    expect(names).toContain('membership:grant');
    expect(names.filter((name) => audit.events[name] === undefined)).toEqual([]);
  });
});
