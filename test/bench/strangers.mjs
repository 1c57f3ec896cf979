// A process that opens connections and says nothing, or one byte a second: `node strangers.mjs COUNT PORT…`. Ends with its standard input.
import { connect } from 'node:net';

const [count, ...ports] = process.argv.slice(2).map(Number);
// A burst at first; afterwards those that are ended are opened again, so many a second.
const againASecond = 500;
let open = 0;
let opened = 0;
let most = 0;
function dial() {
  const socket = connect({ host: '127.0.0.1', port: ports[opened % ports.length], localAddress: '127.0.0.2' });
  const drips = opened % 2 === 0;
  opened += 1;
  open += 1;
  let drip;
  socket.on('connect', () => {
    most = Math.max(most, open);
    // The beginning of a TLS record whose length is 512, then one byte at a time.
    if (drips) {
      socket.write(Buffer.of(0x16, 0x03, 0x01, 0x02, 0x00));
      drip = setInterval(() => socket.write(Buffer.of(1)), 1_000);
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open -= 1;
    clearInterval(drip);
  });
}
for (let index = 0; index < count; index += 1) dial();
setInterval(() => {
  for (let index = 0; index < againASecond / 10 && open < count; index += 1) dial();
}, 100);
setInterval(() => console.log(JSON.stringify({ open, opened, most })), 500);
process.stdin.resume().on('end', () => process.exit(0));
