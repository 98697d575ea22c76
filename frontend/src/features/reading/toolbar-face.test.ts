import { describe, expect, it } from 'vitest';
import type { ReadingContext } from '@/commands/reading/context';
import { useRoom } from '@/state/room';
import { faceOf } from './toolbar-face';

const nothing = () => undefined;
const base: ReadingContext = {
  room: { ...useRoom.getState(), phase: 'open' },
  findings: [],
  finding: null,
  aiVisible: false,
  writable: true,
  view: null,
  hasImage: true,
  imageCount: 3,
  playing: false,
  volume: null,
  noVolume: 'one image',
  seriesIndices: [0],
  presets: [],
  priors: false,
  links: { scroll: true, look: true, lines: false },
  segmentable: null,
  inverted: false,
  modality: 'CT',
  can: () => true,
  moveFinding: nothing,
  moveMark: nothing,
  sign: nothing,
  verify: nothing,
  escape: nothing,
  capture: nothing,
  help: nothing,
};

describe('the face of the toolbar', () => {
  it('is the same for what the bar does not show', () => {
    const other = { ...base, sign: () => undefined, room: { ...base.room, restored: 1 } };
    expect(faceOf(other as unknown as ReadingContext)).toBe(faceOf(base));
  });

  it.each<[string, Partial<ReadingContext>]>([
    ['the tool', { room: { ...base.room, tool: 'pan' } }],
    ['whether there is an image', { hasImage: false, imageCount: 0 }],
    ['why there are no planes', { noVolume: 'other' }],
    ['the windows', { presets: [{ name: 'Lung', width: 1500, level: -600 }] }],
    ['what the windows are of', { modality: 'PT' }],
    ['whether AI is shown', { aiVisible: true }],
    ['who may write', { writable: false }],
    ['links', { links: { ...base.links, scroll: false } }],
  ])('tells %s', (_name, change) => {
    expect(faceOf({ ...base, ...change })).not.toBe(faceOf(base));
  });
});
