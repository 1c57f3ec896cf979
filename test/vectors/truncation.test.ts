import { errorTable } from '@tsunagu/protocols/errors';
import { describe, expect, test } from 'vitest';
import { ask, type Case, casesOf, expectNoSecrets } from './key-vectors.ts';

/**
 * Inputs of which a part is an input too, so that a cut one may be answered: data of any length, digits, a tweak, and
 * keys that come in several strengths. Whatever is not named here is refused at every cut.
 */
const soundWhenShorter: Readonly<Record<string, readonly string[]>> = {
  'dukpt-aes': ['macDataHex', 'clearData', 'pin', 'pan', 'bdk', 'dataHex'],
  'dukpt-tdes': ['macDataHex', 'clearData', 'pin', 'pan'],
  fpe: ['key', 'tweak', 'plaintext', 'alphabet'],
  kcv: ['key'],
  mac: ['key', 'dataHex', 'mac'],
  pinblock: ['pin', 'pan', 'key', 'pinBlockRandom', 'random'],
  tr31: ['kbpk'],
};

/** The inputs of an operation: what it looks at in a case that also states what is expected. */
function inputsOf(family: string, op: string, each: Case): ReadonlySet<string> {
  const read = new Set<string>();
  const watched = new Proxy(each, {
    get(target, name) {
      read.add(String(name));
      return target[String(name)];
    },
  });
  ask(family, op, watched);
  return read;
}

/** The texts of a request with the way to each. */
function textsOf(value: unknown, path: readonly string[] = []): readonly (readonly [readonly string[], string])[] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => textsOf(part, [...path, name]));
}

/** A copy of a request with one text replaced. */
function replaced(value: unknown, [name, ...rest]: readonly string[], text: string): unknown {
  if (name === undefined) return text;
  if (Array.isArray(value))
    return value.map((part, index) => (String(index) === name ? replaced(part, rest, text) : part));
  return { ...Object(value), [name]: replaced(Object(value)[name], rest, text) };
}

// A block with something behind its end, cut where its own length says, is a whole one.
const isWholeBlock = (path: readonly string[], text: string): boolean =>
  path.at(-1) === 'keyBlock' && Number(text.slice(1, 5)) === text.length;

const families = ['components', 'dukpt-aes', 'dukpt-tdes', 'fpe', 'kcv', 'mac', 'pinblock', 'tr31'] as const;

describe.each(families)('%s: every text of every vector, cut at every character', (family) => {
  const cases = casesOf(family, 'ours').filter(({ optional }) => !optional);

  test.each([...new Set(cases.map(({ op }) => op))])('%s', (name) => {
    const op = name.replace(/Reject$/, '');
    const all = cases.filter((each) => each.op === name);
    let cuts = 0;
    let refused = 0;
    for (const each of all) {
      const inputs = inputsOf(family, op, each);
      for (const [path, text] of textsOf(each)) {
        if (!inputs.has(path[0] ?? '')) continue;
        for (let length = 0; length < text.length; length += 1) {
          cuts += 1;
          const cut = text.slice(0, length);
          const answer = ask(family, op, Object(replaced(each, path, cut)));
          if (answer.ok) {
            if (isWholeBlock(path, cut)) continue;
            expect(soundWhenShorter[family] ?? [], `${each.id}: ${path.join('.')} cut to ${length}`).toContain(
              path.at(-1),
            );
          } else {
            refused += 1;
            expect(Object.hasOwn(errorTable, answer.fault.code)).toBe(true);
            expectNoSecrets(answer, each);
          }
        }
      }
    }
    expect(refused > 0 || cuts === 0).toBe(true);
  });
});
