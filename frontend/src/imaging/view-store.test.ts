import { afterEach, expect, test, vi } from 'vitest';
import { type PaneControl, paneControl, registerPane, useViews } from './view-store';

const control = () => ({ reset: vi.fn() }) as unknown as PaneControl;

afterEach(() => useViews.setState({ controls: {} }));

test('who offers to move a pane learns that something else moves it now', () => {
  const seen: (PaneControl | undefined)[] = [];
  const unfollow = useViews.subscribe((state) => seen.push(state.controls[0]));
  const [planes, body] = [control(), control()];
  const leavePlanes = registerPane(0, planes);
  const leaveBody = registerPane(0, body);
  leavePlanes();
  expect(paneControl(0)).toBe(body);
  leaveBody();
  expect(paneControl(0)).toBeNull();
  unfollow();
  expect(seen).toEqual([planes, body, undefined]);
});
