import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listPcscReaders, openPcscReader } from '@tsunagu/firmware-bridge/readers/pcsc/reader';
import { hex, unwrap } from '@tsunagu/protocols/kit';
import { pcscdAnswerBytes } from '@tsunagu/protocols/pcsc';
import { afterEach, describe, expect, it } from 'vitest';
import { fastWorld } from './support/fast-world.ts';

/** A daemon that misbehaves: what it answers to a command code, or nothing at all. */
type Answers = Readonly<Record<number, (body: Buffer) => Buffer | 'silent' | 'hangUp'>>;

const word = (bytes: Buffer, at: number, value: number): Buffer => {
  bytes.writeUInt32LE(value >>> 0, at);
  return bytes;
};
/** One reader with a powered card. */
const table = (): Buffer => {
  const bytes = Buffer.alloc(pcscdAnswerBytes.getReadersState);
  bytes.write('Reader 00 00', 0);
  word(bytes, 132, 0x34);
  hex('3B6700005453554E414755').forEach((byte, at) => {
    bytes[140 + at] = byte;
  });
  return word(bytes, 176, 11);
};
const sound: Answers = {
  0x11: (body) => word(body, 8, 0),
  0x01: (body) => word(word(body, 4, 7), 8, 0),
  0x12: table,
  0x04: (body) => word(word(word(body, 140, 9), 144, 1), 148, 0),
  0x05: (body) => word(word(body, 16, 1), 20, 0),
  0x06: (body) => word(body, 8, 0),
  0x09: (body) => Buffer.concat([word(word(Buffer.from(body), 24, 2), 28, 0), Buffer.of(0x90, 0x00)]),
};

describe('a PC/SC daemon', () => {
  let server: Server | undefined;
  let folder: string | undefined;
  const sockets = new Set<Socket>();
  const commands: number[] = [];
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    commands.length = 0;
    await new Promise<void>((closed) => (server === undefined ? closed() : server.close(() => closed())));
    server = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  async function daemon(answers: Answers): Promise<string> {
    folder = await mkdtemp(join(tmpdir(), 'pcscd-'));
    const path = join(folder, 'comm');
    server = createServer((socket) => {
      sockets.add(socket);
      let held = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (part) => {
        held = Buffer.concat([held, part]);
        while (held.length >= 8) {
          const code = held.readUInt32LE(4);
          const end = 8 + held.readUInt32LE(0) + (code === 0x09 && held.length >= 24 ? held.readUInt32LE(20) : 0);
          if (held.length < end) return;
          const body = Buffer.from(held.subarray(8, 8 + held.readUInt32LE(0)));
          held = held.subarray(end);
          commands.push(code);
          const answer = answers[code]?.(body) ?? 'silent';
          if (answer === 'hangUp') socket.destroy();
          else if (answer !== 'silent') socket.write(answer);
        }
      });
    });
    await new Promise<void>((listening) => server?.listen(path, listening));
    return path;
  }
  const { world } = fastWorld(50);

  it('is said to be missing where nobody listens, with what to do', async () => {
    expect(await listPcscReaders(world, '/nowhere/pcscd.comm')).toMatchObject({ fault: { code: 'PCSC_UNAVAILABLE' } });
  });

  it('carries APDUs to a card', async () => {
    const reader = unwrap(await openPcscReader(world, 'Reader 00 00', await daemon(sound)));
    expect(unwrap(await reader.state())).toBe('present');
    expect(unwrap(await reader.powerOn())).toEqual(hex('3B6700005453554E414755'));
    expect(unwrap(await reader.transmit(hex('00A40400')))).toEqual(hex('9000'));
    await reader.close();
    expect(commands.slice(-1)).toEqual([0x06]);
  });

  it('of another minor version is spoken to in that, and of another major one not at all', async () => {
    const older: Answers = {
      ...sound,
      0x11: (body) => (body.readUInt32LE(4) === 3 ? word(body, 8, 0) : word(word(body, 4, 3), 8, 0x8010001d)),
    };
    expect(unwrap(await listPcscReaders(world, await daemon(older)))).toEqual(['Reader 00 00']);
    const strange: Answers = { 0x11: (body) => word(word(body, 4, 9), 8, 0x8010001d) };
    expect(await listPcscReaders(world, await daemon(strange))).toMatchObject({ fault: { code: 'PCSC_PROTOCOL' } });
  });

  it.each<[string, Answers, string]>([
    ['stays silent', { ...sound, 0x09: () => 'silent' }, 'READER_TIMEOUT'],
    ['hangs up', { ...sound, 0x09: () => 'hangUp' }, 'PCSC_UNAVAILABLE'],
    ['lies about the length', { ...sound, 0x09: (body) => word(word(body, 24, 0x7fffffff), 28, 0) }, 'PCSC_PROTOCOL'],
    ['answers with too few bytes', { ...sound, 0x09: () => Buffer.alloc(5) }, 'READER_TIMEOUT'],
    ['floods', { ...sound, 0x09: () => Buffer.alloc(1_000_000) }, 'PCSC_PROTOCOL'],
    ['has lost the card', { ...sound, 0x09: (body) => word(body, 28, 0x80100069) }, 'READER_CARD_ABSENT'],
    ['hands on nothing of a card', { ...sound, 0x09: (body) => word(word(body, 24, 0), 28, 0) }, 'READER_CARD_MUTE'],
    [
      'hands on half a status word',
      { ...sound, 0x09: (body) => Buffer.concat([word(word(body, 24, 1), 28, 0), Buffer.of(0x90)]) },
      'PCSC_PROTOCOL',
    ],
    ['gives the card to another', { ...sound, 0x09: (body) => word(body, 28, 0x8010000b) }, 'USB_BUSY'],
  ])(
    'that %s ends the command within its time, and a new connection is made for the next',
    async (_what, answers, code) => {
      const path = await daemon(answers);
      const reader = unwrap(await openPcscReader(world, 'Reader 00 00', path));
      unwrap(await reader.powerOn());
      expect(await reader.transmit(hex('00A40400'))).toMatchObject({ fault: { code } });
      expect(await reader.powerOn()).toMatchObject({ ok: true });
      await reader.close();
    },
  );
});
