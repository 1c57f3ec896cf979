import type { ScriptOutcome } from '@tsunagu/protocols/emv';

/** What a transaction writes into its trace besides commands: values that hold no account data, in upper-case hexadecimal. */
export type TraceNote =
  /** An application was chosen: its name (AID), the card's label, the contactless kernel. */
  | { readonly type: 'application'; readonly aid: string; readonly label: string; readonly kernel?: number }
  /** Offline data authentication: which, and how it ended; `step` is the check that failed. */
  | { readonly type: 'authentication'; readonly method: string; readonly isPassed: boolean; readonly step?: string }
  /** A rule of the CVM list was tried. */
  | { readonly type: 'cvm'; readonly rule: string; readonly result: 'skipped' | 'failed' | 'passed' | 'unknown' }
  /** What stands in a bit-coded object now. */
  | { readonly type: 'value'; readonly tag: string; readonly value: string }
  /** The terminal's decision which cryptogram to ask for, and the bits that led to it. */
  | { readonly type: 'action'; readonly asks: 'TC' | 'ARQC' | 'AAC'; readonly because: readonly TraceCause[] }
  | { readonly type: 'script'; readonly template: '71' | '72'; readonly outcome: ScriptOutcome; readonly at: number }
  /** Terminal risk management: what was chosen by lot, what the log holds. */
  | {
      readonly type: 'risk';
      readonly what: 'floorLimit' | 'random' | 'velocity' | 'exceptionFile';
      readonly detail: string;
    }
  /** The contactless outcome of the entry point. EMV Book A, 6.2. */
  | { readonly type: 'outcome'; readonly outcome: string };

/** A bit that decided something: of the TVR, together with the action code that names it; or a rule without bits. */
export type TraceCause =
  | {
      readonly byte: number;
      readonly bit: number;
      readonly code: 'TAC' | 'IAC';
      readonly list: 'denial' | 'online' | 'default';
    }
  | { readonly rule: string };
