export { type Console, type ConsoleParts, explain, languageOf, openConsole, printFault, type Tone } from './console.ts';
export { type ExitCode, exit } from './exit.ts';
export { fileFaultOf } from './file-fault.ts';
export { optionFault } from './option-fault.ts';
export { refuse } from './refuse.ts';
export { type Column, cut, layOut, pad } from './table.ts';
export { printList, printTable } from './list.ts';
export { usageErrorOf } from './usage-error.ts';
