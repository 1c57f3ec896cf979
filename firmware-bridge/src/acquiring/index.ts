export { type AcquirerOptions, openAcquirer, type SwitchAcquirer } from './acquirer.ts';
export { openReversalStore } from './reversal-store.ts';
export { openStanCounter } from './stan-counter.ts';
