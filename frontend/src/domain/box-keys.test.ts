import { describe, expect, it } from 'vitest';
import { boxAfter, middleBox } from './box-keys';

const SIZE = { columns: 100, rows: 50 };
const BOX = { x0: 40, y0: 20, x1: 60, y1: 30 };

describe('a box that is drawn by keys', () => {
  it('begins in the middle', () => expect(middleBox(SIZE)).toEqual(BOX));
  it('is moved by arrows and changed with Shift', () => {
    expect(boxAfter(BOX, 'ArrowLeft', SIZE)).toEqual({ ...BOX, x0: 38, x1: 58 });
    expect(boxAfter(BOX, 'Shift+ArrowDown', SIZE)).toEqual({ ...BOX, y1: 32 });
  });
  it('stays on the image and never turns inside out', () => {
    let box = BOX;
    for (let n = 0; n < 60; n += 1) box = boxAfter(box, 'ArrowRight', SIZE) ?? box;
    expect(box).toEqual({ ...BOX, x0: 80, x1: 100 });
    for (let n = 0; n < 60; n += 1) box = boxAfter(box, 'Shift+ArrowLeft', SIZE) ?? box;
    expect(box.x1).toBe(81);
  });
  it('leaves other strokes alone', () => expect(boxAfter(BOX, 'j', SIZE)).toBeNull());
});
