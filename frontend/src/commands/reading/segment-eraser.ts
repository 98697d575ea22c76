import { segmentTool } from './segment-tool';

export const segmentEraser = segmentTool('eraser', '8');
