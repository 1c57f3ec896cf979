export { fitsModel, openTwin, type Twin, type TwinOptions } from './twin.ts';
