import { defineErrors } from './define.ts';

/** Errors of the bridge room. */
export const bridgeErrors = defineErrors({});
