export { changed, type Desired, isInSync } from './rules.ts';
export { openTwin, type Twin } from './twin.ts';
