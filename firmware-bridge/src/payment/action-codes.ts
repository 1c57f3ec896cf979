/**
 * What an action code (DE39) says to an advice: ISO 8583:1993, 4.3.39 and A.1. "Not now": the way is shut, or somebody on it is in
 * trouble. What is neither taken nor this is a final no.
 */
export const isTemporary = (actionCode: string): boolean => /^(90[36789]|91[0125]|92[0-3])$/.test(actionCode);
