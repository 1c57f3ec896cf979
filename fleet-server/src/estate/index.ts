export { openSelection, type Selection, type TerminalFilter, type TerminalSort } from './selection.ts';
export { type Estate, type EstateRooms, type HelloOutcome, openEstate, type SalesFigures } from './estate.ts';
export {
  type Lifecycle,
  type LifecycleRooms,
  mayNow,
  type MoveFault,
  openLifecycle,
  stepsOfLife,
  stepsOfLives,
} from './lifecycle.ts';
export { isRegistered } from './registered.ts';
export { helloOf, type Targets } from './summary.ts';
export type { Note, TimelineFacts } from './timeline.ts';
export { forgetArrived, forgetTimeline, timelineKeptMs } from './retention.ts';
export { type LinkChange, openLinks } from './links.ts';
export { heardOfWith, type HeardRooms, type SwitchHeard } from './heard-of.ts';
