import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openSmallHouse, type Terminal } from '../unit/switch/small-house.ts';
import type { BenchReport } from './report.ts';

const strangers = Number(process.env['TSUNAGU_BENCH_STRANGERS'] ?? 10_000);
const sales = Number(process.env['TSUNAGU_BENCH_SALES'] ?? 150);

/** Sales of a terminal, one after the other, milliseconds each; every tenth on a new connection, so that its handshake has to come through, too. */
async function measure(dial: () => Promise<Terminal>): Promise<{ readonly p50: number; readonly p99: number }> {
  const took: number[] = [];
  let terminal = await dial();
  for (let index = 0; index < sales; index += 1) {
    const began = performance.now();
    if (index % 10 === 0) {
      terminal.close();
      terminal = await dial();
    }
    const answer = await terminal.ask(terminal.sale('visa-contact', 100 + index));
    if (answer.text(39) !== '000') throw new Error(`a sale was ${answer.text(39)}`);
    took.push(performance.now() - began);
  }
  terminal.close();
  const sorted = took.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

/** Ten thousand connections that say nothing, or drip, on the ports for terminals and for centres: what a terminal from elsewhere notices of them. */
export default async function run(): Promise<BenchReport> {
  const house = await openSmallHouse();
  const port = house.sw.port;
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('strangers.mjs', import.meta.url)),
      String(strangers),
      String(port),
      String(house.sw.centresPort),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  // Not yet: it says so first.
  const said = { open: 0, opened: 0, most: 0 };
  createInterface({ input: child.stdout }).on('line', (line) => Object.assign(said, JSON.parse(line)));
  try {
    child.kill('SIGSTOP');
    const dial = () => house.terminal('CT5100-0001');
    await measure(dial);
    const alone = await measure(dial);
    child.kill('SIGCONT');
    while (said.opened < strangers) await new Promise((resolve) => setTimeout(resolve, 100));
    const beside = await measure(dial);
    return {
      name: 'a terminal beside connections that say nothing',
      figures: {
        'connections that were opened': said.opened,
        'most of them open at once': said.most,
        'p50 of a sale alone, ms': alone.p50,
        'p99 of a sale alone, ms': alone.p99,
        'p50 of a sale beside them, ms': beside.p50,
        'p99 of a sale beside them, ms': beside.p99,
      },
      ratios: { 'p99 beside them to alone': beside.p99 / alone.p99 },
      peers: { alone: 'the same sales on the same switch before the connections were opened' },
    };
  } finally {
    child.kill('SIGCONT');
    child.stdin.end();
    if (child.exitCode === null) await once(child, 'exit');
    await house.close();
  }
}
