import { segmentTool } from './segment-tool';

export const segmentFill = segmentTool('fill', '7');
