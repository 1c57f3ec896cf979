export { makeDelta } from './deltas.ts';
export { livesMs } from './repository.ts';
export { openSoftware, type Software } from './software.ts';
