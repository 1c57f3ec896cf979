export { fetchNamed, type NamedSource } from './fetch.ts';
export type { ListReport } from './list-in-force.ts';
export { type NegativeFileOptions, openNegativeFile, type TerminalNegativeFile } from './terminal-negative-file.ts';
export type { LineToServer } from './wake-up.ts';
