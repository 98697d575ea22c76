import { describe, expect, it } from 'vitest';
import { fromTheFront, towardsViewer, turnBody } from './turntable';

const FRONT = fromTheFront({
  position: [0, 0, 500],
  focalPoint: [10, 20, 30],
  viewUp: [0, 1, 0],
});
const close = (a: readonly number[], b: readonly number[]) => {
  a.forEach((one, at) => {
    expect(one).toBeCloseTo(b[at] ?? Number.NaN, 9);
  });
};

describe('turning a body on the screen', () => {
  it('begins in front of the patient, the head up', () => {
    close(towardsViewer(FRONT), [0, -1, 0]);
    close(FRONT.viewUp, [0, 0, 1]);
  });
  it('by a quarter to the right shows the right side', () => {
    // The patient's left is on the right of the screen: the front goes there.
    close(towardsViewer(turnBody(FRONT, 90, 0)), [-1, 0, 0]);
  });
  it('by a quarter down shows the head from above', () => {
    close(towardsViewer(turnBody(FRONT, 0, 90)), [0, 0, 1]);
  });
  it('keeps the distance and the right angle, and comes back', () => {
    let stand = FRONT;
    for (let n = 0; n < 24; n += 1) stand = turnBody(stand, 15, 0);
    close(stand.position, FRONT.position);
    const tilted = turnBody(turnBody(FRONT, 33, 21), 12, -50);
    const to = towardsViewer(tilted);
    const across = to.reduce((sum, one, at) => sum + one * (tilted.viewUp[at] ?? 0), 0);
    expect(across).toBeCloseTo(0, 9);
  });
});
