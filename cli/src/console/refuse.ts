import type { Fault } from '@tsunagu/protocols/kit';
import { type Console, printFault } from './console.ts';
import { type ExitCode, exit } from './exit.ts';

/** Ends a command that the server, or the way to it, refused: prints the fault and says with which exit code to leave. */
export function refuse(console: Console, fault: Fault, json: boolean): ExitCode {
  printFault(console, fault, json);
  return fault.code === 'AUTH_REQUIRED' ? exit.auth : exit.failed;
}
