import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { openCardCompany } from '@tsunagu/fleet-server/card-company/card-company';
import { readCredentials } from '@tsunagu/fleet-server/card-company/credentials-file';
import { Ledger } from '@tsunagu/fleet-server/card-company/ledger';
import { preparePair } from '@tsunagu/fleet-server/emulation/pair';
import {
  functions,
  houseIssuers,
  type Link,
  localTransactionTime,
  transmissionTime,
} from '@tsunagu/protocols/acquiring';
import { encodeFrame, FrameReader, type Message } from '@tsunagu/protocols/iso8583';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { systemWorld } from '@tsunagu/protocols/world';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { until } from './small-house.ts';

const vectors = z.object({
  messages: z.array(z.looseObject({ name: z.string(), category: z.string(), hex: z.string() })),
});

/** A connection as the switch has one, on which anything may be said. */
class RawLine {
  readonly codes: (string | undefined)[] = [];
  isClosed = false;
  readonly #socket;
  readonly #link: Link;

  constructor(
    link: Link,
    port: number,
    { certificate, privateKey, ca }: Record<'certificate' | 'privateKey' | 'ca', string>,
  ) {
    this.#link = link;
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      cert: certificate,
      key: privateKey,
      ca,
    });
    const reader = new FrameReader(link.frame);
    this.#socket.on('error', () => undefined).on('close', () => (this.isClosed = true));
    this.#socket.on('data', (chunk) => {
      for (const { message } of reader.push(chunk).frames) {
        const decoded = link.codec.decode(Uint8Array.from(message));
        this.codes.push(decoded.ok ? decoded.value.text(39) : decoded.fault.code);
      }
    });
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(unwrap(encodeFrame(this.#link.frame, bytes)));
  }

  close(): void {
    this.#socket.destroy();
  }
}

const management = (link: Link, what: string, stan: number): Uint8Array => {
  const now = Date.now();
  const { own, far } = link.parties;
  const message: Message = {
    mti: '1804',
    fields: {
      7: transmissionTime(now),
      11: String(stan).padStart(6, '0'),
      12: localTransactionTime(now),
      24: what,
      93: far,
      94: own,
    },
  };
  return unwrap(link.codec.encode(message));
};

test.each(houseIssuers.map((link) => [link.id, link] as const))(
  'the issuer of %s hangs up on every malformed message, and goes on with its other connections',
  async (_, link) => {
    const text = await readFile(new URL('../../vectors/iso8583-messages.json', import.meta.url), 'utf8');
    const malformed = vectors.parse(JSON.parse(text)).messages.filter(({ category }) => category === 'malformed');
    const folder = await mkdtemp(join(tmpdir(), 'malformed-'));
    const world = systemWorld(() => undefined);
    const paths = await preparePair(world, folder);
    const company = unwrap(
      await openCardCompany(world, {
        host: '127.0.0.1',
        port: 0,
        link,
        credentials: unwrap(await readCredentials(paths.issuer)),
        ledger: Ledger.inMemory(),
        delayMs: () => 0,
      }),
    );
    const shown = unwrap(await readCredentials(paths.acquirer));
    const neighbour = new RawLine(link, company.port, shown);
    neighbour.write(management(link, functions.signOn, 1));
    let stan = 1;
    let refused = 0;
    for (const { name, hex: bytes } of malformed) {
      // No frame says that there is nothing.
      if (bytes === '') continue;
      const line = new RawLine(link, company.port, shown);
      line.write(hex(bytes));
      line.write(management(link, functions.signOn, 7));
      await until(() => line.isClosed || line.codes.length > 0);
      // What another dialect cannot read this one may: it is answered as what it is then, and so is the sign-on behind it.
      if (line.isClosed) {
        refused += 1;
        expect([name, line.codes]).toEqual([name, []]);
      }
      line.close();
      stan += 1;
      neighbour.write(management(link, functions.signOn, stan));
      await until(() => neighbour.codes.length === stan);
      expect([name, neighbour.codes.at(-1), neighbour.isClosed]).toEqual([name, '800', false]);
    }
    expect(refused).toBeGreaterThan(20);
    neighbour.close();
    await company.close();
    await rm(folder, { recursive: true, force: true });
  },
);
