export { acceptHead, flipTo, type HeadStep, type ListReport, type ListState } from './state.ts';
export { type NegativeFileOptions, openNegativeFile, type TerminalNegativeFile } from './terminal-negative-file.ts';
