import { measuringTool } from './measuring-tool';

export const measureBidirectional = measuringTool('bidirectional', 'Shift+l');
