import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** One line of standard input. What is typed at a terminal is not echoed, and there is no history of it. */
export async function hiddenLine(): Promise<string> {
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: nothing,
    terminal: process.stdin.isTTY === true,
    historySize: 0,
  });
  try {
    return await new Promise<string>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => resolve(''));
    });
  } finally {
    lines.close();
  }
}
