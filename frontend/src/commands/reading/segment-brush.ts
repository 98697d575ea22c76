import { segmentTool } from './segment-tool';

export const segmentBrush = segmentTool('brush', '4');
