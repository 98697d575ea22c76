import { measuringTool } from './measuring-tool';

export const measureRectangle = measuringTool('rectangle', 'Shift+q');
