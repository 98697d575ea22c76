import { measuringTool } from './measuring-tool';

export const measureProbe = measuringTool('probe', 'u');
