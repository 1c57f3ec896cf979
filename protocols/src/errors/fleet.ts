import { defineErrors } from './define.ts';

/** Errors of the fleet room. */
export const fleetErrors = defineErrors({});
