import { measuringTool } from './measuring-tool';

export const measureCircle = measuringTool('circle', 'Shift+c');
