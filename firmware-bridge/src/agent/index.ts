export { startTerminal, type Terminal, type TerminalOptions } from './terminal.ts';
