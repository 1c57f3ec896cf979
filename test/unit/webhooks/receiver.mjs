// A webhook receiver as a process of its own: `node receiver.mjs PORT LOG`. Behaves as the last line of its standard input says.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [, , port, log] = process.argv;
let mode = 'ok';
createInterface({ input: process.stdin }).on('line', (line) => {
  mode = line.trim();
  process.stdout.write(`mode ${mode}\n`);
});
const server = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts).toString('utf8');
    const [what, of] = mode.split(' ');
    const isFor = of === undefined || body.includes(of);
    appendFileSync(
      log,
      `${JSON.stringify({ mode: isFor ? what : 'ok', path: request.url, headers: request.headers, body })}\n`,
    );
    if (isFor && what === 'hang') return;
    if (isFor && what === 'die') process.exit(1);
    if (isFor && what === 'redirect')
      return response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    if (isFor && what === 'gone') return response.writeHead(410).end();
    if (isFor && what === 'flood') {
      response.writeHead(200);
      const more = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
      response.on('close', () => clearInterval(more));
      return;
    }
    response.writeHead(isFor && what === 'fail' ? 500 : 204).end();
  });
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`port ${server.address().port}\n`));
