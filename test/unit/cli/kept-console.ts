import { type Console, openConsole } from '../../../cli/src/console/index.ts';

/** A console in a language, which keeps what a command prints. */
export function keptConsole(lang: string): {
  readonly console: Console;
  printed(): { readonly out: string; readonly err: string };
} {
  const [out, err]: [string[], string[]] = [[], []];
  const console = openConsole({
    env: {},
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    lang,
  });
  return { console, printed: () => ({ out: out.join(''), err: err.join('') }) };
}
