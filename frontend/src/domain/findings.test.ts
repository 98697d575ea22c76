import { describe, expect, it } from 'vitest';
import { whyNoMap } from './findings';
import { makeFinding } from './testing';

const map = { artefact_id: 'a', cut_off: 0.5, sop_uid: '1.2', frame: 1 };
const asked = (state: 'queued' | 'running' | 'done' | 'failed') => ({
  ...makeFinding('f'),
  explanation: { state, reason: state === 'failed' ? 'no time' : '' },
});

describe('why a finding has no map', () => {
  it.each([
    ['queued', { kind: 'coming' }],
    ['running', { kind: 'coming' }],
    ['done', { kind: 'nothing' }],
    ['failed', { kind: 'failed', reason: 'no time' }],
  ] as const)('is told while the explanation is %s', (state, why) => {
    expect(whyNoMap(asked(state))).toEqual(why);
  });

  it('is nothing to tell where there is one, or nobody was to draw one', () => {
    expect(whyNoMap({ ...asked('done'), saliency: map })).toBeNull();
    expect(whyNoMap({ ...asked('failed'), saliency: map })).toBeNull();
    expect(whyNoMap(makeFinding('f'))).toBeNull();
  });
});
