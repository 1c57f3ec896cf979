export { startTerminal, type Terminal, type TerminalOptions, type Wires } from './terminal.ts';
