import { afterEach, expect, test, vi } from 'vitest';
import { makeEven } from './even-panes';
import { type PaneControl, registerPane, type Spot, useViews } from './view-store';

const LOOK = { zoom: 2, pan: [0.1, 0], rotation: 90, flipped: true } as const;
const OWN = { zoom: 1, pan: [0, 0], rotation: 0, flipped: false } as const;
const SIZE = { width: 400, height: 300 };

function hang(spot: Spot) {
  const make = (look: typeof LOOK | typeof OWN) => ({
    look: () => look,
    spot: () => spot,
    setLook: vi.fn(),
    setSpot: vi.fn(),
  });
  const panes = [make(LOOK), make(OWN)] as const;
  panes.forEach((control, pane) => {
    registerPane(pane, control as unknown as PaneControl);
  });
  return panes;
}

afterEach(() => useViews.setState({ controls: {} }));

test('the second pane takes place, size and turning of the first', () => {
  const spot: Spot = { to: [120, 80], mmPerPixel: 0.4, source: 'patient' };
  const [first, second] = hang(spot);
  makeEven(SIZE, [10, 20], [30, 40]);
  expect(first.setSpot).not.toHaveBeenCalled();
  expect(second.setLook).toHaveBeenCalledWith({ ...OWN, rotation: 90, flipped: true });
  expect(second.setSpot).toHaveBeenCalledWith([30, 40], spot);
});

test('what the first pane does not show comes to the middle of both', () => {
  const spot: Spot = { to: [120, 310], mmPerPixel: 0.4, source: 'patient' };
  const [first, second] = hang(spot);
  makeEven(SIZE, [10, 20], [30, 40]);
  const middle = { ...spot, to: [200, 150] };
  expect(first.setSpot).toHaveBeenCalledWith([10, 20], middle);
  expect(second.setSpot).toHaveBeenCalledWith([30, 40], middle);
});
