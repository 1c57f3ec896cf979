export { openTwin, type Twin, type TwinOptions } from './twin.ts';
export { untilWindowMs } from './window.ts';
