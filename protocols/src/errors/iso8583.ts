import { defineErrors } from './define.ts';

/** Errors of the iso8583 room. */
export const iso8583Errors = defineErrors({});
