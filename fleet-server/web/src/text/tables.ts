// The long tables, in a file of their own that is loaded after the first drawing.
export { errorTable } from '@tsunagu/protocols/errors';
export { stepDetail } from '@tsunagu/protocols/kernel-trace';
export { actionCodes, nextAfterActionCode, nextAtHours } from '@tsunagu/protocols/iso8583';
