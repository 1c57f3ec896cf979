import { defineErrors } from './define.ts';

/** Errors of the switch room. */
export const switchErrors = defineErrors({});
