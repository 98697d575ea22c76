import { measuringTool } from './measuring-tool';

export const measureFreehand = measuringTool('freehand', 'k');
