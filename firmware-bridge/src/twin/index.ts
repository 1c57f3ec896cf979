export { fitsModel, openTwin, type Twin, type TwinFault, type TwinOptions } from './twin.ts';
