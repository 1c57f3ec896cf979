/** What a transaction writes into its trace besides commands; its shape is that of the trace that leaves the terminal. */
export type { KernelNote as TraceNote, KernelTraceCause as TraceCause } from '@tsunagu/protocols/kernel-trace';
