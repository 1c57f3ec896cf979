import { decryptFf1 } from '@tsunagu/protocols/fpe';
import { hex, Secret } from '@tsunagu/protocols/kit';
import { describe, expect, test } from 'vitest';
import { casesOf, runFamily } from './key-vectors.ts';

runFamily('fpe', { ff1: ['ciphertext'] });

const cases = [...casesOf('fpe', 'ours'), ...casesOf('fpe', 'published')].filter(({ op }) => op === 'ff1');

describe('FF1 backwards', () => {
  test.each(cases.map((each) => [each.id, each] as const))('%s deciphers to its plain text', (_, each) => {
    const key = Secret.take('key', hex(String(each['key'])));
    const parameters = { key, tweak: hex(String(each['tweak'])), alphabet: String(each['alphabet']) };
    expect(decryptFf1(parameters, String(each['ciphertext']))).toEqual({ ok: true, value: each['plaintext'] });
  });
});
