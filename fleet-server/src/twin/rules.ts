import { type Configuration, configurationHash } from '@tsunagu/protocols/fleet';

/** A version of the desired configuration. */
export interface Desired {
  readonly version: number;
  readonly values: Configuration;
}

/** Whether what a terminal reports is the desired configuration: its hash counts, a version alone does not. */
export const isInSync = (desired: Desired, reported: { readonly version: number; readonly hash: string }): boolean =>
  reported.version === desired.version && reported.hash === configurationHash(desired.values);

/** The next version, or undefined when nothing would change. */
export function changed(desired: Desired, changes: Partial<Configuration>): Desired | undefined {
  const values = { ...desired.values, ...changes };
  return configurationHash(values) === configurationHash(desired.values)
    ? undefined
    : { version: desired.version + 1, values };
}
