import { defineErrors } from './define.ts';

/** Errors of the agent room. */
export const agentErrors = defineErrors({});
