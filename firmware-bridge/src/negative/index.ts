export {
  type ListReport,
  type NegativeFileOptions,
  openNegativeFile,
  type TerminalNegativeFile,
} from './terminal-negative-file.ts';
