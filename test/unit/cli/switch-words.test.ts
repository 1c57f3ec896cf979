import { linkKinds, operationNames } from '@tsunagu/protocols/acquiring';
import { switchDifference } from '@tsunagu/protocols/fleet';
import { expect, test } from 'vitest';
import { usageFaultOf } from '../../../cli/src/console/index.ts';
import { switchEn } from '../../../cli/src/language/switch-en.ts';
import { switchJa } from '../../../cli/src/language/switch-ja.ts';

test('every kind and state of a transaction, and every kind of link, has its word in both languages', () => {
  for (const texts of [switchEn, switchJa]) {
    expect(Object.keys(texts.operations)).toEqual(expect.arrayContaining([...operationNames]));
    expect(Object.keys(texts.items).toSorted()).toEqual(switchDifference.shape.kind.options.toSorted());
    expect(Object.keys(texts.linkKinds).toSorted()).toEqual(Object.values(linkKinds).flat().toSorted());
  }
  const japanese = [
    ...Object.values(switchJa.operations),
    ...Object.values(switchJa.items),
    ...Object.values(switchJa.saleStates),
  ];
  for (const word of japanese) expect(word).not.toMatch(/[A-Za-z]/);
});

test('what the switch shows of a transaction has Japanese labels and words', () => {
  expect(Object.keys(switchJa.facts)).toEqual(Object.keys(switchEn.facts));
  expect(Object.keys(switchJa.journalEntries)).toEqual(Object.keys(switchEn.journalEntries));
  for (const word of [...Object.values(switchJa.journalEntries), ...Object.values(switchJa.postingKinds)])
    expect(word).not.toMatch(/[A-Za-z]/);
});

test('the form that an option wants is said in Japanese', () => {
  const message = "error: command-argument value 'abc' is invalid for argument 'digits'. 6-11 digits";
  expect(usageFaultOf({ code: 'commander.invalidArgument', message }, 'ja').facts?.['wrong']).toContain(
    '指定の形: 数字6-11桁',
  );
});
