import { createServer, connect, type Server, type Socket } from 'node:net';
import { answerTo, checkElements, terminalCodec, terminalLink, terminalMessages } from '@tsunagu/protocols/acquiring';
import { issuerAuthenticationData, verifyCryptogram } from '@tsunagu/protocols/emv';
import { type FieldValue, type Message, responseMti, validate } from '@tsunagu/protocols/iso8583';
import { fail, hex, ok, Secret } from '@tsunagu/protocols/kit';
import { cardKeysOf, findTestCard } from '@tsunagu/protocols/test-cards';
import { decodeTlv, findTlv, tlv } from '@tsunagu/protocols/tlv';
import { systemWorld } from '@tsunagu/protocols/world';
import type { Acquirer } from '@tsunagu/firmware-bridge/secure/index';
import { afterSteps } from './fast-world.ts';

const { timers } = systemWorld(() => undefined);

/** How the switch behaves to the next messages. */
export interface Behaviour {
  /** Answers 1100s and 1200s: normally, never, with rubbish in this element, or without an ARPC. */
  sale: 'normal' | 'silent' | 'wrongStan' | 'wrongAmount' | 'noArpc' | 'badArpc';
  /** Answers 142xs with this action code; undefined never. */
  reversal: string | undefined;
}

/** A switch with its issuer on a real socket: checks what the table of messages demands, and each cryptogram. It takes every advice. */
export interface LoopbackSwitch {
  readonly behaviour: Behaviour;
  readonly acquirer: Acquirer;
  readonly received: Message[];
  /** What was wrong with a message. */
  readonly complaints: string[];
  /** Cryptograms that are not the card's. */
  readonly unproven: string[];
  close(): Promise<void>;
}

export async function loopbackSwitch(): Promise<LoopbackSwitch> {
  const behaviour: Behaviour = { sale: 'normal', reversal: '400' };
  const received: Message[] = [];
  const complaints: string[] = [];
  const unproven: string[] = [];
  const server: Server = createServer((socket) => {
    onFrame(socket, (bytes) => {
      const decoded = terminalCodec.decode(bytes);
      if (!decoded.ok) {
        complaints.push(`${decoded.fault.code} ${decoded.fault.field}`);
        return;
      }
      const message = { mti: decoded.value.mti, fields: decoded.value.fields };
      received.push(message);
      for (const { code, severity, field } of validate(decoded.value))
        if (severity === 'error') complaints.push(`${message.mti}: ${code} ${field ?? ''}`);
      const answer = answerOf(message, behaviour, complaints, unproven);
      if (answer === undefined) return;
      const encoded = terminalCodec.encode(answer);
      if (!encoded.ok) throw new Error(`the test's answer is wrong: ${encoded.fault.code} ${encoded.fault.field}`);
      socket.write(framed(encoded.value));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    behaviour,
    received,
    complaints,
    unproven,
    acquirer: acquirerTo(port),
    close: () => new Promise((done) => server.close(() => done())),
  };
}

/** An acquirer without encryption: one connection per message. @param factor how much faster its timeouts run */
export const acquirerTo = (port: number, factor = 50): Acquirer => ({
  exchange: (message, { timeoutMs }) =>
    new Promise((settle) => {
      const encoded = terminalCodec.encode(message);
      if (!encoded.ok) return settle(fail('REQUEST_UNWRITABLE', { cause: encoded.fault }));
      let isConnected = false;
      const socket = connect(port, '127.0.0.1', () => {
        isConnected = true;
        socket.write(framed(encoded.value));
      });
      const end = (result: Awaited<ReturnType<Acquirer['exchange']>>): void => {
        timer.cancel();
        socket.destroy();
        settle(result);
      };
      const timer = afterSteps(timers, timeoutMs / factor, () => end(fail('ACQUIRER_TIMEOUT')));
      socket.on('error', () => end(fail(isConnected ? 'ACQUIRER_TIMEOUT' : 'ACQUIRER_UNREACHABLE')));
      onFrame(socket, (bytes) => {
        const decoded = terminalCodec.decode(bytes);
        end(decoded.ok ? ok(decoded.value) : fail('ACQUIRER_ANSWER_UNUSABLE'));
      });
    }),
});

const framed = (bytes: Uint8Array): Uint8Array => Uint8Array.of(bytes.length >> 8, bytes.length & 0xff, ...bytes);

function onFrame(socket: Socket, take: (bytes: Uint8Array) => void): void {
  let buffer = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 2 && buffer.length >= 2 + buffer.readUInt16BE(0)) {
      const end = 2 + buffer.readUInt16BE(0);
      take(Uint8Array.from(buffer.subarray(2, end)));
      buffer = buffer.subarray(end);
    }
  });
}

function answerOf(
  message: Message,
  behaviour: Behaviour,
  complaints: string[],
  unproven: string[],
): Message | undefined {
  const { mti, fields } = message;
  const table = new Map(Object.entries(terminalMessages)).get(mti);
  const to = responseMti(mti);
  if (table === undefined || to === undefined) {
    complaints.push(`unexpected ${mti}`);
    return undefined;
  }
  const present = new Set(Object.keys(fields).map(Number));
  const checked = checkElements(table, present, typeof fields[22] === 'string' ? fields[22] : undefined);
  if (!checked.ok)
    complaints.push(`${mti}: element ${checked.fault.field} ${String(checked.fault.facts?.['expected'])}`);
  const answering = (added: { [element: number]: FieldValue }): Message =>
    answerTo(message, to, terminalLink.echoElements, added);
  if (mti.startsWith('14')) return behaviour.reversal === undefined ? undefined : answering({ 39: behaviour.reversal });
  if (mti[2] === '2') return answering({ 39: '900' });
  if (behaviour.sale === 'silent') return undefined;
  const { actionCode, emv } = issuer(message, behaviour, unproven);
  if (actionCode === undefined) return undefined;
  const added: { [element: number]: FieldValue } = { 37: '623289000001', 39: actionCode };
  if (actionCode === '000') added[38] = '123456';
  if (emv !== undefined) added[55] = emv;
  const answer = answering(added);
  if (behaviour.sale === 'wrongStan') return { ...answer, fields: { ...answer.fields, 11: '999999' } };
  if (behaviour.sale === 'wrongAmount') return { ...answer, fields: { ...answer.fields, 4: '000000000001' } };
  return answer;
}

function issuer(
  { fields }: Message,
  behaviour: Behaviour,
  unproven: string[],
): { readonly actionCode: string | undefined; readonly emv?: Uint8Array } {
  const pan = fields[2];
  const card = pan instanceof Secret ? findTestCard(pan.use((bytes) => Secret.copy('pan', bytes))) : undefined;
  if (card === undefined) return { actionCode: '111' };
  if (card.fate.kind === 'silent') return { actionCode: undefined };
  const actionCode = card.fate.kind === 'declined' ? String(card.fate.actionCode) : '000';
  const emv = fields[55];
  if (!(emv instanceof Uint8Array)) return { actionCode };
  const read = decodeTlv(emv);
  const objects = read.ok ? read.value : [];
  const valueOf = (tag: number): Uint8Array | undefined => findTlv(objects, tag)?.value;
  const arqc = valueOf(0x9f26) ?? new Uint8Array(8);
  const verified = verifyCryptogram(card.profile, cardKeysOf(card), valueOf, arqc);
  if (!verified.ok) unproven.push(`${verified.fault.code} ${verified.fault.field ?? ''}`);
  if (behaviour.sale === 'noArpc') return { actionCode };
  const responseCode = actionCode === '000' ? hex('3030') : hex('3531');
  const answer = issuerAuthenticationData(card.profile, cardKeysOf(card), valueOf, arqc, { responseCode });
  if (!answer.ok) throw new Error(answer.fault.code);
  if (behaviour.sale === 'badArpc') answer.value[0] = (answer.value[0] ?? 0) ^ 1;
  return { actionCode, emv: Uint8Array.from([...tlv(0x8a, responseCode), ...tlv(0x91, answer.value)]) };
}
