import { createHmac } from 'node:crypto';
import { fail, ok, type Result } from '@tsunagu/protocols/kit';
import type { World } from '@tsunagu/protocols/world';

/** An answer as it went out. */
export interface KeptAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

interface Entry {
  readonly fingerprint: string;
  readonly at: number;
  answer: KeptAnswer | undefined;
}

const answersMax = 1_000;
const lifeMs = 24 * 3_600_000;

/** What was answered to which `Idempotency-Key`. */
export interface Idempotency {
  /**
   * Claims a key for a request. An answer means: this was done before, send that again. Undefined means: go on, then
   * `keep` or `drop`.
   */
  claim(
    scope: string,
    key: string,
    body: unknown,
  ): Result<KeptAnswer | undefined, 'IDEMPOTENCY_KEY_INVALID' | 'IDEMPOTENCY_KEY_REUSED' | 'IDEMPOTENCY_IN_FLIGHT'>;
  keep(scope: string, key: string, answer: KeptAnswer): void;
  /** The request failed by our own fault: a repeat shall try anew. */
  drop(scope: string, key: string): void;
}

/**
 * Answers of the last day, 1,000 at most, the oldest forgotten first. They stay in memory on purpose: one of them holds
 * a claim secret, which is shown once and never written. After a restart the rooms' own rules make a repeat harmless
 * (a serial is registered once, a listed card stays listed). Bodies are kept as a keyed hash, since one is a PAN.
 */
export function keepAnswers(world: World): Idempotency {
  const secret = world.entropy(32);
  const entries = new Map<string, Entry>();
  const nameOf = (scope: string, key: string): string => `${scope}\n${key}`;

  return {
    claim(scope, key, body) {
      if (!/^[\x21-\x7e]{8,128}$/.test(key)) return fail('IDEMPOTENCY_KEY_INVALID', { field: 'Idempotency-Key' });
      const now = world.clock.now();
      const name = nameOf(scope, key);
      const fingerprint = createHmac('sha256', secret)
        .update(JSON.stringify(body ?? null))
        .digest('base64');
      const entry = entries.get(name);
      if (entry && now - entry.at < lifeMs) {
        if (entry.fingerprint !== fingerprint) return fail('IDEMPOTENCY_KEY_REUSED', { field: 'Idempotency-Key' });
        if (!entry.answer) return fail('IDEMPOTENCY_IN_FLIGHT', { field: 'Idempotency-Key' });
        return ok(entry.answer);
      }
      for (const [old, { at }] of entries) {
        if (entries.size < answersMax && now - at < lifeMs) break;
        entries.delete(old);
      }
      entries.delete(name);
      entries.set(name, { fingerprint, at: now, answer: undefined });
      return ok(undefined);
    },
    keep(scope, key, answer) {
      const entry = entries.get(nameOf(scope, key));
      if (entry) entry.answer = answer;
    },
    drop(scope, key) {
      entries.delete(nameOf(scope, key));
    },
  };
}
