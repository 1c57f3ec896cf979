export { planFleet } from './plan.ts';
export { type StartOptions, startHouse } from './start.ts';
