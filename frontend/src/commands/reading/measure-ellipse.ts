import { measuringTool } from './measuring-tool';

export const measureEllipse = measuringTool('ellipse', 'e');
