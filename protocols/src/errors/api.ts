import { defineErrors } from './define.ts';

/** Errors of the api room. */
export const apiErrors = defineErrors({});
