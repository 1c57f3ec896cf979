import { defineErrors } from './define.ts';

/** Errors of the keys room. */
export const keysErrors = defineErrors({});
