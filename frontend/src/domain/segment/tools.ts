/** The tools that paint segments, in the order of their keys. */
export const SEGMENT_TOOLS = [
  'brush',
  'threshold',
  'scissors',
  'fill',
  'eraser',
] as const;

export type SegmentTool = (typeof SEGMENT_TOOLS)[number];

export const isSegmentTool = (tool: string): tool is SegmentTool =>
  (SEGMENT_TOOLS as readonly string[]).includes(tool);

/** Tools that draw with the round brush. */
export const isRound = (tool: SegmentTool) =>
  tool === 'brush' || tool === 'threshold' || tool === 'eraser';

/** Tools that paint by value, once there is a range. */
export const isRanged = (tool: SegmentTool) => tool === 'threshold' || tool === 'fill';
