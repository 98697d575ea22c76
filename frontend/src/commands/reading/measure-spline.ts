import { measuringTool } from './measuring-tool';

export const measureSpline = measuringTool('spline', 'Shift+k');
