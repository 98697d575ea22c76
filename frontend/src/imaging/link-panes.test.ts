import { afterEach, expect, test, vi } from 'vitest';
import { linkPanes, type Ties } from './link-panes';
import type { Stack } from './pack';
import {
  type PaneControl,
  type PaneView,
  registerPane,
  setPane,
  tellMove,
  useViews,
} from './view-store';

const IMAGES = Array.from({ length: 9 }, (_, place) => ({
  plane: {
    origin: [0, 0, place * 3],
    row: [1, 0, 0],
    column: [0, 1, 0],
    rowSpacing: 1,
    columnSpacing: 1,
  },
  placed: true,
  rows: 4,
  columns: 4,
  frameOfReference: '1.2.3',
}));

function show(pane: number, uid: string, index: number) {
  const stack = { uid, images: IMAGES, modality: 'CT' } as unknown as Stack;
  const view = { uid, stack, index, image: IMAGES[index] } as unknown as PaneView;
  setPane(pane, { view });
}

const TIES: Ties = {
  scroll: true,
  look: false,
  offset: () => null,
  keepOffset: () => undefined,
};

function hang(ties: Ties, active = 0) {
  const controls = [0, 1, 2].map(() => ({ goTo: vi.fn() }));
  controls.forEach((control, pane) => {
    registerPane(pane, control as unknown as PaneControl);
  });
  show(0, 'a', 2);
  show(1, 'a', 2);
  show(2, 'b', 2);
  const stop = linkPanes(
    () => active,
    () => ties,
  );
  return { stop, went: () => controls.map(({ goTo }) => goTo.mock.calls.flat()) };
}

afterEach(() => useViews.setState({ panes: {}, controls: {} }));

test('followers are moved before the leader is drawn, so that one frame shows them all', () => {
  const { stop, went } = hang(TIES);
  tellMove(0, 5);
  // Nothing was published: no pane has been drawn at its new image yet.
  expect(useViews.getState().panes[0]?.view?.index).toBe(2);
  expect(went()).toEqual([[], [5], [5]]);
  stop();
});

test('what moves without leading, or is not tied, moves nobody', () => {
  const other = hang(TIES, 1);
  tellMove(0, 5);
  expect(other.went()).toEqual([[], [], []]);
  other.stop();
  const loose = hang({ ...TIES, scroll: false });
  tellMove(0, 5);
  expect(loose.went()).toEqual([[], [], []]);
  loose.stop();
});

test('who stopped linking hears of no move', () => {
  const { stop, went } = hang(TIES);
  stop();
  tellMove(0, 5);
  expect(went()).toEqual([[], [], []]);
});

test('zoom that is tied is of equal millimetres, where both say how long those are', () => {
  const look = { zoom: 2, pan: [0, 0], rotation: 0, flipped: false } as const;
  const at = (mmPerPixel: number | null, source: string) => ({
    goTo: vi.fn(),
    setLook: vi.fn(),
    look: () => ({ ...look, zoom: source === 'lead' ? 2 : 1 }),
    spot: () => ({
      to: [0, 0],
      mmPerPixel,
      source: source === 'lead' ? 'patient' : source,
    }),
  });
  const panes = [at(0.25, 'lead'), at(0.6, 'patient'), at(0.6, 'detector')];
  panes.push(at(null, 'none'));
  panes.forEach((control, pane) => {
    registerPane(pane, control as unknown as PaneControl);
    show(pane, `uid${pane}`, 2);
  });
  const ties = { ...TIES, scroll: false, look: true };
  const stop = linkPanes(
    () => 0,
    () => ties,
  );
  const lead = useViews.getState().panes[0]?.view as PaneView;
  const matrix = { a: 3, b: 0, c: 0, d: 3, e: 0, f: 0 };
  setPane(0, { view: { ...lead, matrix } });
  stop();
  const zooms = panes.map(({ setLook }) => setLook.mock.calls.map(([one]) => one.zoom));
  // The whole image at .5 mm a pixel; that of the second pane at .6.
  expect(zooms).toEqual([[], [expect.closeTo(2.4)], [2], [2]]);
});

test('a tied window of PET is the same uptake in the other, or is left alone', () => {
  const pet = (dose: number | null) => ({
    '00080060': { vr: 'CS', Value: ['PT'] },
    '00541001': { vr: 'CS', Value: ['BQML'] },
    '00280051': { vr: 'CS', Value: ['ATTN', 'DECY'] },
    '00541102': { vr: 'CS', Value: ['ADMIN'] },
    '00101030': { vr: 'DS', Value: [70] },
    '00540016': {
      vr: 'SQ',
      Value: dose === null ? [] : [{ '00181074': one(dose), '00181075': one(6586) }],
    },
  });
  const one = (value: number) => ({ vr: 'DS', Value: [value] });
  const look = { zoom: 1, pan: [0, 0], rotation: 0, flipped: false } as const;
  const panes = [200e6, 400e6, null].map((dose, pane) => {
    const control = {
      window: vi.fn(),
      setLook: () => undefined,
      look: () => look,
      spot: () => null,
    };
    registerPane(pane, control as unknown as PaneControl);
    const image = { ...IMAGES[2], dataset: pet(dose) };
    const stack = { uid: `pet${pane}`, images: IMAGES, modality: 'PT' };
    const view = { uid: stack.uid, stack, index: 2, image, matrix: {}, window: null };
    setPane(pane, { view: view as unknown as PaneView });
    return control;
  });
  const stop = linkPanes(
    () => 0,
    () => ({ ...TIES, look: true }),
  );
  const lead = useViews.getState().panes[0]?.view as PaneView;
  setPane(0, { view: { ...lead, window: { width: 20000, level: 10000 } } });
  stop();
  // Twice the dose: the same uptake has twice the activity.
  expect(panes.map(({ window }) => window.mock.calls)).toEqual([
    [],
    [[{ width: 40000, level: 20000 }]],
    [],
  ]);
});
