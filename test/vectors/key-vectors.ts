import { existsSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import type { Result } from '@tsunagu/protocols/kit';
import { keyWorkbench, type Request } from '@tsunagu/protocols/internal/workbench-keys';
import { describe, expect, test } from 'vitest';

/** One case of a vector file: an operation, its inputs, and what it must give. */
export type Case = Readonly<Record<string, unknown>> & { readonly id: string; readonly op: string };

// Randomness that a case leaves out is never part of what it expects, so any deterministic source will do.
let draws = 0;
export const entropy = (lengthBytes: number): Uint8Array => {
  draws += 1;
  return Uint8Array.from(createHash('shake256', { outputLength: lengthBytes }).update(`${draws}`).digest());
};

export const workbench = keyWorkbench(entropy);

/** Cases of a file of ours, or published ones where their folder is at hand. */
export function casesOf(name: string, from: 'ours' | 'published'): readonly Case[] {
  const file =
    from === 'ours'
      ? new URL(`./${name}.json`, import.meta.url)
      : new URL(`../../../shared/vectors/published/${name}.json`, import.meta.url);
  if (!existsSync(file)) return [];
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Asks the workbench; a missing operation is a mistake of the test. */
export function ask(family: string, op: string, request: Request): Result<Record<string, unknown>> {
  const operation = workbench.get(family)?.get(op);
  if (!operation) throw new Error(`the workbench has no ${family}.${op}`);
  return operation(request);
}

/** All the text that a refusal could leak through. */
export const refusalText = (answer: Result<unknown>): string => (answer.ok ? '' : JSON.stringify(answer.fault));

/** Runs every case of a family: outputs equal what the case states, and a case named …Reject is refused without repeating its secrets. */
export function runFamily(
  family: string,
  outputsOf: Readonly<Record<string, readonly string[]>>,
  prepare: (each: Case, all: readonly Case[]) => Case = (each) => each,
): void {
  for (const from of ['ours', 'published'] as const) {
    const all = casesOf(family, from);
    describe(`${family}, ${from === 'ours' ? 'vectors of this project' : 'published vectors'}`, () => {
      if (all.length === 0) {
        test.skip('skipped: not here', () => {});
        return;
      }
      const cases = all
        .map((each) => prepare(each, all))
        .filter(({ op, optional }) => !optional && outputsOf[op.replace(/Reject$/, '')]);
      test.each(cases.map((each) => [each.id, each] as const))('%s', (_, each) => {
        const op = each.op.replace(/Reject$/, '');
        const answer = ask(family, op, each);
        if (op !== each.op) {
          expect(answer.ok).toBe(false);
          expectNoSecrets(answer, each);
          return;
        }
        expect(answer).toMatchObject({ ok: true });
        const expected = Object.fromEntries(
          (outputsOf[op] ?? []).filter((name) => each[name] !== undefined).map((name) => [name, each[name]]),
        );
        if (answer.ok) expect(answer.value).toMatchObject(expected);
      });
    });
  }
}

/** A refusal repeats none of the secrets of its request. */
export function expectNoSecrets(answer: Result<unknown>, request: Request): void {
  const said = refusalText(answer).toUpperCase();
  const names = ['key', 'kbpk', 'bdk', 'krdKey', 'components', 'pan', 'pin', 'clearPinBlock', 'pinField'];
  for (const secret of names.flatMap((name) => request[name]).filter((value) => typeof value === 'string')) {
    if (secret.length >= 4) expect(said).not.toContain(secret.toUpperCase());
  }
}
