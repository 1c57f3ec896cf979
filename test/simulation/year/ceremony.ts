import type { Actor } from '@tsunagu/fleet-server/audit/index';
import type { Custodian } from '@tsunagu/fleet-server/keys/index';
import { checkValue } from '@tsunagu/protocols/kcv';
import { Secret, toHex, unwrap } from '@tsunagu/protocols/kit';
import type { Crew } from './crew.ts';
import { custodians, humanBehind } from './people.ts';

/** What the world knows of a key that was brought in parts: whose parts the house took, whatever it believes. */
export interface Brought {
  readonly key: string;
  readonly parts: { readonly human: string; readonly hex: string }[];
}

const lengthBytes = 16;
const sumOf = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from({ length: lengthBytes }, (_, at) => parts.reduce((sum, part) => sum ^ (part[at] ?? 0), 0));
const kcvOf = (key: Uint8Array): string =>
  toHex(unwrap(checkValue('AES', 'cmac', Secret.take('key', Uint8Array.from(key)))));
const comes = (one: Actor, session = ''): Custodian => ({ ...one, id: `${one.subject}${session}` });

/** Three custodians bring the base key that the house has still to get, and each way in which one of them could have it alone is tried first. */
export async function bringKey(crew: Crew, key: string): Promise<Brought> {
  const parts = custodians.map(() => Uint8Array.from({ length: lengthBytes }, () => crew.chance.int(1, 255)));
  const names = custodians.map(({ person }) => person ?? '');
  const [first, second, third] = custodians as [Actor, Actor, Actor];
  const brought: Brought = { key, parts: [] };
  const operator = crew.operator();
  const begin = (by: Actor, named: readonly string[]) =>
    crew.house.act(async ({ ceremonies }) => {
      const open = unwrap(await ceremonies.list({ limit: 500 })).items.find(
        (one) => one.key === key && one.state !== 'aborted',
      );
      const begun = open ?? (await ceremonies.begin({ key, use: 'dukpt-base', custodians: [...named] }, by));
      return 'ok' in begun ? begun : ({ ok: true, value: begun } as const);
    });
  const twice = await begin(operator, [names[0] ?? '', names[0] ?? '']);
  crew.trial('one custodian named twice', !twice.ok);
  const own = await begin(operator, [operator.person ?? '', names[0] ?? '']);
  crew.trial('who orders a ceremony is a custodian of it', !own.ok);
  const { id } = unwrap(await begin(operator, names));
  const enter = async (by: Custodian, part: Uint8Array): Promise<boolean> => {
    const kcv = kcvOf(part);
    const taken = await crew.house.act(async ({ ceremonies }, isAgain) => {
      const before = isAgain ? unwrap(await ceremonies.get(id)).entered : [];
      if (before.some((one) => one.kcv === kcv && one.by === by.person)) return true;
      return (await ceremonies.enter(id, Secret.take('key', Uint8Array.from(part)), by)).ok;
    });
    if (taken) brought.parts.push({ human: humanBehind(by.subject), hex: toHex(part) });
    return taken;
  };
  const part = (index: number): Uint8Array => parts[index] ?? new Uint8Array(lengthBytes);
  await enter(comes(first), part(0));
  crew.trial('one custodian enters two components', !(await enter(comes(first, '/2'), part(1))));
  crew.trial('a component of another custodian', !(await enter(comes(second), part(0))));
  crew.trial('a component of zeros', !(await enter(comes(second), new Uint8Array(lengthBytes))));
  crew.trial('two custodians in one session', !(await enter({ ...second, id: first.subject }, part(1))));
  await enter(comes(second), part(1));
  await enter(comes(third), part(2));
  const whole = kcvOf(sumOf(parts));
  const confirm = (by: Actor, kcv: string) =>
    crew.house.act(async ({ ceremonies }) => {
      const now = unwrap(await ceremonies.get(id));
      return now.state === 'done' || (await ceremonies.confirm(id, kcv, comes(by))).ok;
    });
  crew.trial('another check value than that of the papers', !(await confirm(first, kcvOf(part(0)))));
  crew.trial('who entered the last component confirms it', !(await confirm(third, whole)));
  if (!(await confirm(first, whole))) throw new Error(`the ceremony of ${key} does not end`);
  return brought;
}
