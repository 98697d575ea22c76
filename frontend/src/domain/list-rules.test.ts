import { describe, expect, it } from 'vitest';
import { ruleProblems } from './list-rules';

const RULES = {
  stat_deadline_s: 1800,
  priority_deadline_s: 7200,
  routine_deadline_s: 28_800,
  base_rate: 0,
};

describe('rules of a list', () => {
  it('hold with equal deadlines and with a 0', () => {
    expect(ruleProblems(RULES).size).toBe(0);
    expect(ruleProblems({ ...RULES, stat_deadline_s: 7200 }).size).toBe(0);
  });

  it('do not hold with an empty field', () => {
    const found = ruleProblems({ ...RULES, stat_deadline_s: null, base_rate: null });
    expect([...found]).toEqual([
      ['stat_deadline_s', 'empty'],
      ['base_rate', 'empty'],
    ]);
  });

  it('do not hold where a higher band waits longer than the one below', () => {
    const stat = ruleProblems({ ...RULES, stat_deadline_s: 7201 });
    expect([...stat]).toEqual([['stat_deadline_s', 'later']]);
    const priority = ruleProblems({ ...RULES, priority_deadline_s: 30_000 });
    expect([...priority]).toEqual([['priority_deadline_s', 'later']]);
  });
});
