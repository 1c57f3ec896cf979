import type { World } from '@tsunagu/protocols/world';
import { InvalidArgumentError } from 'commander';
import type { Console, ExitCode } from '../console/index.ts';
import type { Context } from './context.ts';

/** What groups of commands are given by the program. */
export interface Shell {
  readonly world: World;
  readonly open: () => Console;
  readonly json: () => boolean;
  /** The data folder of the house. */
  readonly data: () => string;
  /** The language that was asked for. */
  readonly lang: () => string | undefined;
  /** Runs a command against the server that is known here. */
  readonly withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>;
}

/** Parses a whole number of an option. */
export const integer =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^-?\d{1,15}$/.test(text) || value < min || value > max) throw new InvalidArgumentError(`${min} … ${max}`);
    return value;
  };

/** Gathers the values of an option that may be given several times. */
export const collect = (value: string, all: readonly string[] = []): readonly string[] => [...all, value];
