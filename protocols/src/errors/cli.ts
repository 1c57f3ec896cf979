import { defineErrors } from './define.ts';

/** Errors of the cli room. */
export const cliErrors = defineErrors({});
