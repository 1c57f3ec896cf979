/** A moment (RFC 3339) on the clock of this machine, with its zone, as every list shows it: YYYY-MM-DD hh:mm:ss ZONE. */
export const momentOf = (time: string): string =>
  new Date(time).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'long' });
