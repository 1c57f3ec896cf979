export { type AcquirerOptions, openAcquirer, type SwitchAcquirer } from './acquirer.ts';
export { openReversalStore } from './reversal-store.ts';
export { openAcquirerStanding } from './standing.ts';
export { openStanCounter, stansOf } from './stan-counter.ts';
