import { linkKinds, operationNames } from '@tsunagu/protocols/acquiring';
import { expect, test } from 'vitest';
import { switchEn } from '../../../cli/src/language/switch-en.ts';
import { switchJa } from '../../../cli/src/language/switch-ja.ts';

test('every kind and state of a transaction, and every kind of link, has its word in both languages', () => {
  for (const texts of [switchEn, switchJa]) {
    expect(Object.keys(texts.operations)).toEqual(expect.arrayContaining([...operationNames]));
    expect(Object.keys(texts.linkKinds).toSorted()).toEqual(Object.values(linkKinds).flat().toSorted());
  }
  const japanese = [...Object.values(switchJa.operations), ...Object.values(switchJa.saleStates)];
  for (const word of japanese) expect(word).not.toMatch(/[A-Za-z]/);
});
