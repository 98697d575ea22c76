import { measuringTool } from './measuring-tool';

export const measureAngle = measuringTool('angle', 'j');
