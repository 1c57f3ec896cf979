import { defineErrors } from './define.ts';

/** Errors of the emv room. */
export const emvErrors = defineErrors({});
