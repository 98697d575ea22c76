import { segmentTool } from './segment-tool';

export const segmentThreshold = segmentTool('threshold', '5');
