import type { Command } from 'commander';
import type { IdentityCommandsContext } from './identity-commands.ts';
import { hiddenLine } from './hidden-line.ts';

type Given = Pick<IdentityCommandsContext, 'withServer' | 'open' | 'json'> & { readonly language: () => 'ja' | 'en' };

/** Adds `tsunagu keys`. */
export function addKeyCommands(program: Command, { withServer, open, json, language }: Given): void {
  const keys = program.command('keys').description('keys in custody / 鍵の管理');
  const load = () => import('./keys.ts');
  keys
    .command('list')
    .description('keys above those of terminals / 鍵の一覧')
    .action(() => withServer(async (given) => (await load()).listKeys(given)));
  keys
    .command('exposure <key>')
    .description('what hangs on a key: terminals, windows of transactions / 影響範囲')
    .action((key: string) =>
      withServer(async (given) => (await load()).showExposure(given, given.client.keyExposure(key))),
    );
  keys
    .command('rotate <key>')
    .description(
      'have another base key take over; the old one counts on. The key of negative lists (negative/tags/2): spread it, and show how far it is / 基礎鍵・ネガ鍵の交代',
    )
    .option('--switch', 'put every negative list under the key that was spread / リストを新しい鍵へ切り替える')
    .option(
      '--leave-behind',
      'with --switch: although terminals lack it, which approve nothing offline until they hold it / 未保持の端末があっても切り替える',
    )
    .action((key: string, options: { switch?: boolean; leaveBehind?: boolean }) =>
      withServer(async (given) => (await load()).rotate(given, key, options)),
    );
  keys
    .command('rotation')
    .description('how far the rotation of the key of negative lists is, and what it waits for / ネガ鍵の交代状況')
    .action(() => withServer(async (given) => (await load()).showRotation(given, given.client.negativeKeyRotation())));
  keys
    .command('suspect <key>')
    .description('a base key is suspect: replace it and all below / 危殆化の宣言')
    .requiredOption('--reason <text>', 'why / 理由')
    .action((key: string, { reason }: { reason: string }) =>
      withServer(async (given) => {
        const marked = await given.client.suspectKey(key, reason);
        const whole = marked.ok ? given.client.keyExposure(key) : Promise.resolve(marked);
        return (await load()).showExposure(given, whole);
      }),
    );
  keys
    .command('retire <key>')
    .description('destroy a base key that nothing hangs on / 鍵の破棄')
    .action((key: string) =>
      withServer(async (given) => (await load()).listKeys(given, () => given.client.retireKey(key))),
    );
  keys
    .command('acquirers <serial> [names...]')
    .description('card companies whose keys a terminal holds; with names, sets them / カード会社別の鍵')
    .option('--none', 'takes all of them from it / すべて外す')
    .action((serial: string, names: string[], { none = false }: { none?: boolean }) =>
      withServer(async (given) =>
        (await load()).acquirers(given, serial, none || names.length > 0 ? names : undefined),
      ),
    );
  keys
    .command('renew <serial>')
    .description("rotate a terminal's key-block protection key by TR-34; all keys below it follow / 保護鍵の更新")
    .action((serial: string) =>
      withServer(async (given) => {
        const ordered = await given.client.renewProtectionKey(serial);
        const { refuse, exit } = await import('../console/index.ts');
        if (!ordered.ok) return refuse(given.console, ordered.fault, given.json);
        const { id, type, state } = ordered.value;
        given.console.out(given.json ? JSON.stringify(ordered.value) : `${serial}  ${type}  ${id}  ${state}`);
        return exit.ok;
      }),
    );
  keys
    .command('releases <serial>')
    .description('what a terminal swore to when it was unbound or rebound (job order SERIAL key.unbind) / 解除の証明')
    .action((serial: string) => withServer(async (given) => (await load()).showReleases(given, serial)));
  keys
    .command('verify <file>')
    .description(
      'check a signed record without a server; exit 5 when it is of something that is not over, or aborted / 記録の検証(未完了・中止は終了コード5)',
    )
    .option('--signer <id>', 'what the key of the signer is called, from another source / 署名者の鍵ID')
    .action(async (file: string, { signer }: { signer?: string }) => {
      process.exitCode = await (await load()).verifyRecord(open(), json(), file, signer);
    });
  addCeremony(keys, withServer);
  addRun(keys, withServer, language);
}

function addCeremony(keys: Command, withServer: Given['withServer']): void {
  const load = () => import('./keys.ts');
  const ceremony = keys
    .command('ceremony')
    .description('keys brought by custodians, one component each / 鍵セレモニー');
  ceremony
    .command('list')
    .description('all of them / 一覧')
    .action(() => withServer(async (given) => (await load()).listCeremonies(given)));
  ceremony
    .command('begin <key>')
    .description('name the key and its custodians / 開始')
    .requiredOption(
      '--custodian <person...>',
      'who brings a component: two or three, the first has component 1; they enter in whatever order they come / 管理者2～3名(先頭が第1コンポーネント、入力順は自由)',
    )
    .option('--use <use>', 'dukpt-base, dukpt-base-tdes, zone-protection, zone-pin or negative-tag', 'dukpt-base')
    .option('--kcv <hex>', 'check value of the whole, as its papers say: 10 hex digits, 6 for TDES / 検査値')
    .action((key: string, options: { use: string; custodian: string[]; kcv?: string }) =>
      withServer(async (given) => (await load()).beginCeremony(given, key, options)),
    );
  ceremony
    .command('show <id>')
    .description('how far it is / 状態')
    .action((id: string) => withServer(async (given) => (await load()).ceremonyStep(given, given.client.ceremony(id))));
  ceremony
    .command('enter <id>')
    .description("enter one's own component: typed unseen, piped, or out of a file / コンポーネントの入力")
    .option('--component-file <file>', 'holds it in hex')
    .action((id: string, { componentFile }: { componentFile?: string }) =>
      withServer(async (given) => (await load()).enterComponent(given, id, componentFile, hiddenLine)),
    );
  ceremony
    .command('confirm <id>')
    .description('compare the check value of the whole; the key is in the vault from then on / 確認')
    .requiredOption('--kcv <hex>', 'as the papers say / 検査値')
    .action((id: string, { kcv }: { kcv: string }) =>
      withServer(async (given) =>
        (await load()).ceremonyStep(given, given.client.confirmCeremony(id, kcv.toUpperCase())),
      ),
    );
  ceremony
    .command('abort <id>')
    .description('end it; its components are forgotten / 中止')
    .requiredOption('--reason <text>', 'why / 理由')
    .action((id: string, { reason }: { reason: string }) =>
      withServer(async (given) => (await load()).ceremonyStep(given, given.client.abortCeremony(id, reason))),
    );
  ceremony
    .command('record <id>')
    .description('the signed record, for tsunagu keys verify / 署名付き記録')
    .requiredOption('--out <file>', 'where it is written')
    .action((id: string, { out }: { out: string }) =>
      withServer(async (given) =>
        (await import('./record-file.ts')).saveRecord(given, given.client.ceremonyRecord(id), out),
      ),
    );
}

function addRun(keys: Command, withServer: Given['withServer'], language: Given['language']): void {
  const load = () => import('./keys.ts');
  const run = keys.command('run').description('injection runs with a manifest / 鍵注入ラン');
  run
    .command('list')
    .description('all of them / 一覧')
    .action(() => withServer(async (given) => (await load()).listRuns(given)));
  run
    .command('begin <name> <file>')
    .description(
      'propose a run; the manifest is one serial a line, all of them on the inventory and in the workshop / 起案(1行1台、台帳にあり作業場にある端末のみ)',
    )
    .option('--dry-run', 'say which lines it would not take, and store nothing / 確認のみ')
    .action((name: string, file: string, { dryRun = false }: { dryRun?: boolean }) =>
      withServer(async (given) => (await load()).beginRun(given, name, file, dryRun)),
    );
  run
    .command('show <id>')
    .description('its devices and figures / 状態')
    .action((id: string) => withServer(async (given) => (await load()).runStep(given, given.client.keyRun(id))));
  run
    .command('authorise <id>')
    .description('as somebody else than who proposed it / 承認')
    .action((id: string) =>
      withServer(async (given) => (await load()).runStep(given, given.client.keyRunStep(id, 'authorisation'))),
    );
  run
    .command('submit <id> <serials...>')
    .description('devices are at the bench / 端末の投入')
    .action((id: string, serials: string[]) =>
      withServer(async (given) => (await load()).submitDevices(given, id, serials)),
    );
  for (const [name, what, description] of [
    ['reject', 'rejection', 'take a device out / 却下'],
    ['investigate', 'investigation', 'what became of a device that was not listed / 調査結果'],
  ] as const)
    run
      .command(`${name} <id> <serial>`)
      .description(description)
      .requiredOption('--note <text>', 'what is to be kept / 備考')
      .action((id: string, serial: string, { note }: { note: string }) =>
        withServer(async (given) => (await load()).runStep(given, given.client.noteDevice(id, serial, what, note))),
      );
  run
    .command('close <id>')
    .description('when submitted = keyed + rejected + investigated / 終了')
    .action((id: string) =>
      withServer(async (given) => (await load()).runStep(given, given.client.keyRunStep(id, 'close'))),
    );
  run
    .command('report <id>')
    .description('the signed record (JSON), or its print (a name that ends in .pdf) / 報告書')
    .requiredOption('--out <file>', 'where it is written')
    .action((id: string, { out }: { out: string }) =>
      withServer(async (given) => (await load()).saveReport(given, id, out, language())),
    );
}
