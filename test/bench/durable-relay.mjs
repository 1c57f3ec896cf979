// A relay that does nothing but have on disk what comes, either way, before it goes on: `node durable-relay.mjs PORT TO FILE`. What comes while the disk is
// busy shares the next flush. Whoever journals a request and its answer is not below it. Says `ready`, and ends with its standard input.
import { open } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

const [port, to, path] = process.argv.slice(2);
const file = await open(path, 'a');
let waiting = [];
let isBusy = false;

async function flush() {
  isBusy = true;
  while (waiting.length > 0) {
    const lot = waiting;
    waiting = [];
    await file.writev(lot.map(({ bytes }) => bytes));
    await file.datasync();
    for (const { goOn } of lot) goOn();
  }
  isBusy = false;
}

createServer({ noDelay: true }, (near) => {
  const far = connect({ host: '127.0.0.1', port: Number(to), noDelay: true });
  for (const [from, other] of [
    [near, far],
    [far, near],
  ]) {
    from.on('data', (bytes) => {
      waiting.push({ bytes, goOn: () => other.write(bytes) });
      if (!isBusy) void flush();
    });
    from.on('error', () => undefined);
    from.on('close', () => other.destroy());
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));

process.stdin.on('end', () => process.exit(0)).resume();
