import { measuringTool } from './measuring-tool';

export const measureArrow = measuringTool('arrow', 'y');
