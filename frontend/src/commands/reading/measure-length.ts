import { measuringTool } from './measuring-tool';

export const measureLength = measuringTool('length', 'l');
