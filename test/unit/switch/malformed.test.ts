import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { linkCredentials, linkCredentialsPath } from '@tsunagu/fleet-server/switch/index';
import {
  cardCompanyLink,
  compileLink,
  type Link,
  localTransactionTime,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import { dialectNames, encodeFrame, FrameReader } from '@tsunagu/protocols/iso8583';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { openSmallHouse, type SmallHouse, until } from './small-house.ts';

const vectors = z.object({
  messages: z.array(z.looseObject({ name: z.string(), category: z.string(), dialect: z.string(), hex: z.string() })),
});

/** A link without keys for each dialect: what comes reaches the decoder as it is. `unreadable` is how its profile wants it. */
const linkOf = (dialect: (typeof dialectNames)[number], unreadable: 'answer' | 'close'): Link =>
  compileLink({
    id: `${dialect.toLowerCase()}-${unreadable}`,
    name: { en: dialect, ja: dialect },
    side: 'acquirer',
    kind: 'pos',
    parties: { own: '1', far: '2', acquirers: ['2'] },
    profile: {
      name: 'bare',
      title: { en: 'bare', ja: 'bare' },
      dialect,
      networkManagement: { signOn: false },
      formatErrorElement: 44,
    },
    session: { signOn: 'none', keys: 'none' },
    connections: 16,
    unreadable,
  });
const links = [
  cardCompanyLink,
  ...dialectNames.flatMap((dialect) => [linkOf(dialect, 'answer'), linkOf(dialect, 'close')]),
];

let house: SmallHouse;
let malformed: z.infer<typeof vectors>['messages'] = [];
beforeAll(async () => {
  house = await openSmallHouse(undefined, { links });
  const text = await readFile(new URL('../../vectors/iso8583-messages.json', import.meta.url), 'utf8');
  malformed = vectors.parse(JSON.parse(text)).messages.filter(({ category }) => category === 'malformed');
});
afterAll(() => house?.close());

/** Sends bytes as a frame and an echo test behind them: what comes back before the echo's answer, and whether the line lives. */
async function send(
  link: Link,
  bytes: Uint8Array,
): Promise<{ readonly codes: readonly (string | undefined)[]; readonly lives: boolean }> {
  const handed = linkCredentials.parse(JSON.parse(await readFile(linkCredentialsPath(house.folder, link.id), 'utf8')));
  const socket = connect({
    host: '127.0.0.1',
    port: house.sw.centresPort ?? 0,
    servername: 'localhost',
    cert: handed.certificate,
    key: handed.privateKey,
    ca: handed.ca,
  });
  const reader = new FrameReader(link.frame);
  const codes: (string | undefined)[] = [];
  const seen = { echoed: false, closed: false };
  socket.on('error', () => undefined);
  socket.on('close', () => {
    seen.closed = true;
  });
  socket.on('data', (chunk) => {
    for (const { message } of reader.push(chunk).frames) {
      const decoded = link.codec.decode(Uint8Array.from(message));
      if (decoded.ok && decoded.value.mti === '1814' && decoded.value.text(39) === '800') seen.echoed = true;
      else codes.push(decoded.ok ? decoded.value.text(39) : decoded.fault.code);
    }
  });
  const now = Date.now();
  const echo = unwrap(
    link.codec.encode({
      mti: '1804',
      fields: { 7: transmissionTime(now), 11: '000001', 12: localTransactionTime(now), 24: '831', 93: '1', 94: '2' },
    }),
  );
  socket.write(Buffer.concat([unwrap(encodeFrame(link.frame, bytes)), unwrap(encodeFrame(link.frame, echo))]));
  await until(() => seen.echoed || seen.closed);
  const lives = seen.echoed;
  socket.destroy();
  return { codes, lives };
}

test('every malformed vector gets 904 or the end of its line, as its profile says, and neighbours sell', async () => {
  expect(malformed.length).toBeGreaterThan(25);
  let refused = 0;
  for (const { name, dialect, hex: text } of malformed)
    for (const link of links.filter(({ profile }) => profile.name === 'bare' && profile.dialect === dialect)) {
      if (text === '') continue;
      const { codes, lives } = await send(link, hex(text));
      expect([name, link.unreadable, codes.filter((code) => code !== '904')]).toEqual([name, link.unreadable, []]);
      // A line that goes on has said what was wrong.
      if (link.unreadable === 'close') expect([name, lives, codes]).toEqual([name, false, []]);
      else if (codes.length > 0) refused += 1;
      expect([name, link.unreadable, codes.length]).toEqual([name, link.unreadable, lives ? 1 : 0]);
    }
  expect(refused).toBeGreaterThan(10);
  const terminal = await house.terminal('CT5100-0001');
  expect((await terminal.ask(terminal.sale('visa-contact', 700))).text(39)).toBe('000');
  terminal.close();
});
