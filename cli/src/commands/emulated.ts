import { testCard, testCardNames, transitCardData } from '@tsunagu/protocols/test-cards';
import { benchReaderPlaces } from '@tsunagu/protocols/workshop';
import { type Console, type ExitCode, exit, layOut } from '../console/index.ts';

interface Listed {
  readonly kind: 'reader' | 'card';
  readonly name: string;
  readonly places: readonly string[];
}

/** `tsunagu emulate list`: emulated readers and cards, and which card goes into which reader. */
export function listEmulated(console: Console, json: boolean): ExitCode {
  const listed: readonly Listed[] = [
    ...Object.entries(benchReaderPlaces).map(([name, places]): Listed => ({ kind: 'reader', name, places })),
    ...testCardNames.map(
      (name): Listed => ({
        kind: 'card',
        name,
        places: [testCard(name).isContactless ? 'contactless' : 'contact'],
      }),
    ),
    ...transitCardData.map(({ name }): Listed => ({ kind: 'card', name, places: ['felica'] })),
  ];
  if (json) {
    console.out(JSON.stringify(listed));
    return exit.ok;
  }
  const { columnsOfEmulated: heads, kinds } = console.texts.workshop;
  const rows = layOut(
    [
      { head: heads.kind, cell: (one: Listed) => kinds[one.kind] },
      { head: heads.name, cell: (one) => one.name },
      { head: heads.places, cell: (one) => one.places.join(', ') },
    ],
    listed,
  );
  for (const row of rows) console.out(row);
  return exit.ok;
}
