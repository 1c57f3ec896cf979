import { readdirSync, readFileSync } from 'node:fs';
import { parseSync } from 'rolldown/utils';
import { expect, test } from 'vitest';

const source = new URL('../../../protocols/src/', import.meta.url);
const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .map((name) => name.replaceAll('\\', '/'));

/** What an export is declared as, as far as a docstring is concerned. */
interface Declared {
  readonly file: string;
  readonly name: string;
  readonly line: number;
  readonly isSaid: boolean;
  /** The text of the declaration. */
  readonly text: string;
}

function declaredIn(file: string): readonly Declared[] {
  const text = readFileSync(new URL(file, source), 'utf8');
  const { program, comments, errors } = parseSync(file, text);
  expect(errors, file).toEqual([]);
  return program.body.flatMap((node) => {
    if (node.type !== 'ExportNamedDeclaration' || !node.declaration) return [];
    const { declaration } = node;
    const names =
      declaration.type === 'VariableDeclaration'
        ? declaration.declarations.map(({ id }) => text.slice(id.start, id.end).replace(/:[\s\S]*/, ''))
        : 'id' in declaration && declaration.id && 'name' in declaration.id
          ? [String(declaration.id.name)]
          : [];
    const doc = comments.find(
      ({ type, value, end }) =>
        type === 'Block' && value.startsWith('*') && end <= node.start && /^\s*$/.test(text.slice(end, node.start)),
    );
    // A sentence: at least two words of prose. `@see` alone says nothing.
    const prose = doc?.value.replaceAll(/^\s*\*\s?/gm, '').replace(/@(param|returns|see)[\s\S]*/, '') ?? '';
    const line = text.slice(0, node.start).split('\n').length;
    return names.map((name) => ({
      file,
      name,
      line,
      isSaid: /[A-Za-z0-9`"]+[ ,:]+[A-Za-z0-9`"]/.test(prose),
      text: text.slice(declaration.start, declaration.end),
    }));
  });
}

const declared = files.flatMap(declaredIn);
const said = new Map(declared.map((each) => [each.name, each]));

/** A schema says itself at run time, where the documents of `docs/wire` read it. */
const isDescribed = ({ text }: Declared): boolean => /\.describe\(\s*(['"`])[\s\S]*\1,?\s*\);?$/.test(text);

/** A type that is read off a value has the value's docstring. */
const isReadOff = ({ text }: Declared): boolean => {
  const value = /(?:z\.(?:infer|output|input)<|\(?)typeof (\w+)/.exec(text)?.[1];
  const of = value === undefined ? undefined : said.get(value);
  return of !== undefined && text.startsWith('type') && (of.isSaid || isDescribed(of));
};

test('every export of protocols says in a sentence what it is', () => {
  expect(declared.length).toBeGreaterThan(700);
  const silent = declared.filter((each) => !each.isSaid && !isDescribed(each) && !isReadOff(each));
  expect(silent.map(({ file, line, name }) => `${file}:${line} ${name}`)).toEqual([]);
});

test('every room that stands on a standard cites it, clause or edition, in its README', () => {
  const ours = new Set([
    'catalogue',
    'describe',
    'documents',
    'errors',
    'kit',
    'refurbish',
    'test-cards',
    'workbench-keys',
    'world',
  ]);
  const rooms = new Set(files.map((name) => name.split('/')[0] ?? ''));
  for (const room of rooms) {
    if (ours.has(room)) continue;
    const readme = readFileSync(new URL(`${room}/README.md`, source), 'utf8');
    expect(readme, room).toMatch(/ISO|ITU-T|X9|EMV|NIST|RFC|PC\/SC|CCID|NXP|FeliCa|MQTT|FIPS|RC-S380/);
  }
});
