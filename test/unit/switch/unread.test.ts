import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { Exchange } from '@tsunagu/fleet-server/switch/link/exchange';
import { Line } from '@tsunagu/fleet-server/switch/link/line';
import type { Link } from '@tsunagu/protocols/acquiring';
import { encodeFrame, type Message } from '@tsunagu/protocols/iso8583';
import { hex, Secret, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { linkNamed } from './small-centre.ts';

/** A link that says everything in the clear from the first moment on. */
function clearLink(): Link {
  const link = linkNamed('pos-centre-1');
  const { mac: _none, ...profile } = link.profile;
  return {
    ...link,
    profile: { ...profile, networkManagement: { ...profile.networkManagement, signOn: false, echoSeconds: 0 } },
    session: { ...link.session, keys: 'none', encrypt: false },
  };
}

test('a far side that reads slowly is read from no further until it has read, and gets every answer', async () => {
  const link = clearLink();
  /** What was written and is not read yet; `read` takes it. */
  let unread: (() => void)[] = [];
  let readBytes = 0;
  const wire = new Duplex({
    read: () => undefined,
    write(chunk: Uint8Array, _encoding, done) {
      unread.push(() => {
        readBytes += chunk.length;
        done();
      });
    },
  });
  const socket = Object.assign(wire, { setNoDelay: () => undefined }) as unknown as TLSSocket;
  let heard = 0;
  let answeredBytes = 0;
  const zone = { kbpk: Secret.take('key', hex('00'.repeat(16))), pinKeyBlock: () => '', takePinKey: () => undefined };
  const answer = { mti: '1210', fields: { 11: '000001', 12: '261126120000', 39: '000' } } satisfies Message;
  const frame = unwrap(encodeFrame(link.frame, unwrap(link.codec.encode(answer))));
  const world = systemWorld(() => undefined);
  const line = new Line(world, link, zone, { next: () => Promise.resolve('000001') }, new Exchange(world, link), {
    ready: () => undefined,
    changed: () => undefined,
    asked(_message, from) {
      heard += 1;
      answeredBytes += frame.length;
      from.send(answer);
      return Promise.resolve();
    },
    lenient: () => undefined,
    unmatched: () => undefined,
    refused: () => undefined,
  });
  line.accept(socket);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const asking = { mti: '1200', fields: { 11: '000001', 12: '261126120000', 24: '200' } } satisfies Message;
  const asked = unwrap(encodeFrame(link.frame, unwrap(link.codec.encode(asking))));
  const requests = 30_000;
  const lot = Buffer.concat(Array.from({ length: 100 }, () => asked));
  for (let count = 0; count < requests; count += 100) {
    wire.push(lot);
    await turn();
  }
  // It stopped reading long before, and did not end the connection.
  expect(heard).toBeLessThan(requests / 2);
  expect(wire.destroyed).toBe(false);
  while (heard < requests || unread.length > 0) {
    const now = unread;
    unread = [];
    for (const read of now) read();
    await turn();
  }
  expect([heard, readBytes]).toEqual([requests, answeredBytes]);
  await line.stop();
});
