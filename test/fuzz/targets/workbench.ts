import { errorTable } from '@tsunagu/protocols/errors';
import { answerLine, families } from 'tsunagu/commands/wire';
import { messagesIn, vectors } from '../seeds.ts';
import { must, type Target, text } from '../target.ts';

const files = ['components', 'dukpt-aes', 'dukpt-tdes', 'fpe', 'kcv', 'mac', 'pinblock', 'tr31'] as const;

// Some that repeat: what an answer holds does not matter here, only that it comes.
const known = families({ entropy: (lengthBytes) => new Uint8Array(lengthBytes).fill(0xa5) });

const line = (family: string, request: object): Uint8Array => text(JSON.stringify({ ...request, id: 1, family }));

/** A few lines of each operation; an operation that must refuse its line (`xReject`) is the operation `x`. */
function linesOf(family: string): readonly Uint8Array[] {
  const counts = new Map<string, number>();
  return vectors(family).flatMap((each) => {
    const op = String(each['op']).replace(/Reject$/, '');
    const count = counts.get(op) ?? 0;
    counts.set(op, count + 1);
    const { source: _, verified: __, ...request } = each;
    return count < 3 ? [line(family, { ...request, op })] : [];
  });
}

/** Token lines with their certificates and keys in them, as the workbench takes them. */
function tokenLines(): readonly Uint8Array[] {
  const all = vectors('tr34');
  const { certificates, privateKeysPkcs8, validationTime } = Object(all.find(({ op }) => op === 'pki'));
  const { root, kdhCa, krdCa } = certificates;
  const counts = new Map<string, number>();
  return all.flatMap(({ op, role, token, nonce, kdh, krd, expectedNonce }) => {
    const name = String(op).replace(/Reject$/, '');
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    if (op === 'pki' || count > 1) return [];
    const device = String(krd);
    const parties = { kdh: certificates[String(kdh)], krd: certificates[device], krdKey: privateKeysPkcs8[device] };
    const pki = { root, kdhCa, krdCa };
    return [line('tr34', { op: name, role, token, nonce, expectedNonce, ...parties, pki, validationTime })];
  });
}

/** Every text in a request that may be a key, a card number or a PIN block: hexadecimal digits, or anything of length. */
function secretsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[0-9A-Fa-f]{12,}$|^.{60}/.test(value) ? [value.toUpperCase()] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(secretsOf) : [];
}

function answer(input: Uint8Array): boolean {
  const asked = Buffer.from(input).toString('utf8');
  const given = answerLine(known, asked);
  if (given === undefined) return false;
  const shown: { readonly ok?: unknown; readonly code?: unknown } = given;
  if (shown.ok === true) return true;
  must(typeof shown.code === 'string' && Object.hasOwn(errorTable, shown.code), 'the code is none of ours');
  const { id: _, ...refusal } = JSON.parse(JSON.stringify(given));
  const said = JSON.stringify(refusal).toUpperCase();
  must(said.length <= 1_000, 'a refusal without end');
  for (const secret of secretsOf(JSON.parse(asked))) must(!said.includes(secret), 'a refusal repeats a secret');
  return false;
}

const tokens = [
  'null',
  '[]',
  '{}',
  '""',
  '-1',
  '1e99',
  '"AES"',
  '"TDES"',
  '"legacy"',
  '"cmac"',
  '"__proto__":1,',
  '0',
  'F',
];
const bounds = {
  work: { base: 2_000_000, perByte: 6_000 },
  memory: { base: 1 << 22, perByte: 16_384 },
  lengthMax: 6_000,
} as const;

export const targets: readonly Target[] = [
  ...files.map((family) => ({
    ...bounds,
    name: `wire-${family}`,
    seeds: () => linesOf(family),
    tokens: tokens.map(text),
    run: answer,
  })),
  {
    ...bounds,
    name: 'wire-tr34',
    lengthMax: 24_000,
    seeds: tokenLines,
    tokens: [...tokens, '"MIIG', 'AAAA', '==', '"passes":1', '"validationTime":"2026-06-01T00:00:00Z"'].map(text),
    run: answer,
  },
  {
    ...bounds,
    name: 'wire-iso8583',
    seeds: () =>
      (['iso93-ascii-hexbm', 'iso93-bcdL-binbm', 'iso93-ebcdic-binbm'] as const).flatMap((dialect) =>
        messagesIn(dialect)
          .slice(0, 2)
          .map((message) =>
            line('iso8583', { op: 'decode', dialect, hex: Buffer.from(message).toString('hex'), validate: true }),
          ),
      ),
    tokens: [
      ...tokens,
      '"op":"encode"',
      '"frame":{"prefix":"bin2be"}',
      '"fieldOverrides":{"55":{"type":"ans","kind":"LLLVAR","maxLength":255}}',
      '"mac":{"field":64,"algorithm":"AES-CMAC","key":"00112233445566778899AABBCCDDEEFF"}',
      '"headerBytes":5',
    ].map(text),
    run: answer,
  },
];
