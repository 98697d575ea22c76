import { measuringTool } from './measuring-tool';

export const measureCobb = measuringTool('cobb', 'Shift+j');
