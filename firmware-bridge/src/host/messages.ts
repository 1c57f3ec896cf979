import type { TerminalPlan } from './plan.ts';

/** A terminal that is not well, and why. */
export interface Unwell {
  readonly serial: string;
  readonly code: string;
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** What a worker is given when it starts. */
export interface WorkerTask {
  readonly plans: readonly TerminalPlan[];
  readonly seed: string;
  readonly saleEverySeconds: number;
}

/** What a worker tells its host. */
export type WorkerSays =
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'connected'; readonly serial: string }
  /** This terminal will never run (`failed`), or its server does not want it as it is (`refused`): its code and facts. */
  | ({ readonly kind: 'failed' | 'refused' } & Unwell)
  | { readonly kind: 'stopped'; readonly serial: string };

/** What a host tells its worker. */
export type HostSays = { readonly kind: 'stop'; readonly serials: readonly string[] } | { readonly kind: 'end' };
