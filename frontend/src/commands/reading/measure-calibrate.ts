import { measuringTool } from './measuring-tool';

export const measureCalibrate = measuringTool('calibrate', 'Shift+u');
