import { defineErrors } from './define.ts';

/** Errors of the readers room. */
export const readersErrors = defineErrors({});
