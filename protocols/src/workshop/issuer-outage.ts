/**
 * The file, below the data folder of a house, that is there as long as the emulated issuer of a link is to be out of order. Whoever emulates it looks for it twice
 * a second, and it outlives a restart.
 */
export const issuerOutageFile = (link: string): string => `links/${link}/outage`;
