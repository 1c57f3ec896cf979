import { X509Certificate } from 'node:crypto';
import { Passes } from '@tsunagu/fleet-server/broker/passes';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { Serial } from '@tsunagu/protocols/fleet';
import { expect, it } from 'vitest';
import { testAuthority } from '../../contracts/broker-pki.ts';

const authority = testAuthority();
const one = authority.terminal('PASS-0001');
const other = authority.terminal('PASS-0002');
const certificate = new X509Certificate(one.cert);

function watched() {
  let asked = 0;
  let monotonic = 0;
  let answer: () => Promise<Result<Serial, 'CLIENT_CERTIFICATE_REFUSED'>> = () => Promise.resolve(ok(one.serial));
  const passes = new Passes(
    () => {
      asked += 1;
      return answer();
    },
    { now: () => Date.now(), monotonicMs: () => monotonic },
  );
  return {
    passes,
    asked: () => asked,
    pass: (ms: number) => {
      monotonic += ms;
    },
    answer: (next: typeof answer) => {
      answer = next;
    },
  };
}

it('asks the store once for a certificate, for a while, under its own name only', async () => {
  const { passes, asked, pass } = watched();
  for (let times = 0; times < 3; times++) expect(await passes.admit(certificate, one.serial)).toEqual(ok(one.serial));
  expect(asked()).toBe(1);
  await passes.admit(certificate, other.serial);
  await passes.admit(new X509Certificate(other.cert), one.serial);
  await passes.admit(undefined, one.serial);
  expect(asked()).toBe(4);
  await passes.admit(certificate, one.serial);
  pass(300_001);
  await passes.admit(certificate, one.serial);
  expect(asked()).toBe(6);
});

it('asks again after a revocation, also after one that fell into the question', async () => {
  const { passes, asked, answer } = watched();
  await passes.admit(certificate, one.serial);
  passes.end(one.serial);
  answer(() => {
    // The store has answered with what was, and the revocation comes before its answer is heard.
    answer(() => Promise.resolve(fail('CLIENT_CERTIFICATE_REFUSED')));
    passes.end(one.serial);
    return Promise.resolve(ok(one.serial));
  });
  expect((await passes.admit(certificate, one.serial)).ok).toBe(false);
  expect(asked()).toBe(3);
});
