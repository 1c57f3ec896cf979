/** Exit codes, as `gh` has them, and one of our own. A table in the README repeats them. */
export const exit = {
  ok: 0,
  failed: 1,
  /** Wrong usage, or cancelled by the person. */
  usage: 2,
  /** No or no valid credentials. */
  auth: 4,
  /** The operation was carried out, with another outcome than hoped for (a sale that was not approved). */
  otherOutcome: 5,
} as const;
export type ExitCode = (typeof exit)[keyof typeof exit];
