export type { TerminalOptions, Wires } from './options.ts';
export { startTerminal, type Terminal } from './terminal.ts';
