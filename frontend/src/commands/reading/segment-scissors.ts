import { segmentTool } from './segment-tool';

export const segmentScissors = segmentTool('scissors', '6');
