import { describe, expect, it } from 'vitest';
import { compareReads } from './comparison';
import type { Annotation, Content, Finding, Geometry } from './model';

const label = (code: string) => ({ scheme: 'SCT', code, display: code });
const box = (x0: number, y0: number, x1: number, y1: number, sop = '1.2'): Geometry => ({
  kind: 'box',
  space: 'image',
  sop_uid: sop,
  frame: 1,
  frame_of_reference_uid: null,
  points: [
    [x0, y0],
    [x1, y1],
  ],
});
const finding = (id: string, code: string, location: Geometry | null, positive = true) =>
  ({ id, label: label(code), location, positive }) as Finding;
const mark = (id: string, code: string, geometry: Geometry) =>
  ({ id, label: label(code), geometry }) as Annotation;
const read = (...annotations: Annotation[]): Content => ({
  verdicts: {},
  annotations,
  impression: '',
});
const kinds = (content: Content, ...findings: Finding[]) =>
  compareReads(content, findings).map(({ kind }) => kind);

describe('the unaided read against AI', () => {
  it('agrees where label and place are the same', () => {
    const ours = mark('m', 'a', box(10, 10, 30, 30));
    expect(kinds(read(ours), finding('f', 'a', box(12, 12, 33, 30)))).toEqual(['both']);
  });
  it('tells the same label at another place or on another image', () => {
    const ours = mark('m', 'a', box(10, 10, 30, 30));
    const far = finding('f', 'a', box(100, 100, 120, 120));
    expect(kinds(read(ours), far)).toEqual(['elsewhere']);
    const other = finding('f', 'a', box(10, 10, 30, 30, '9.9'));
    expect(kinds(read(ours), other)).toEqual(['elsewhere']);
  });
  it('takes a finding without a place as said of the whole study', () => {
    const ours = mark('m', 'a', box(10, 10, 30, 30));
    expect(kinds(read(ours), finding('f', 'a', null))).toEqual(['both']);
  });
  it('lists what only one of them says, before what both say', () => {
    const ours = [mark('m', 'a', box(0, 0, 9, 9)), mark('n', 'b', box(0, 0, 9, 9))];
    const theirs = [finding('f', 'a', null), finding('g', 'c', null)];
    expect(kinds(read(...ours), ...theirs)).toEqual(['ai-only', 'reader-only', 'both']);
  });
  it('counts each mark once', () => {
    const ours = mark('m', 'a', box(0, 0, 9, 9));
    const twice = [finding('f', 'a', null), finding('g', 'a', null)];
    expect(kinds(read(ours), ...twice)).toEqual(['ai-only', 'both']);
  });
  it('leaves out what AI holds to be absent', () => {
    expect(kinds(read(), finding('f', 'a', null, false))).toEqual([]);
  });
});
