import { workIntake } from '@tsunagu/protocols/refurbish';
import { type Command, Option } from 'commander';
import type { MoveOptions } from './lifecycle.ts';
import { addCustodyCommands } from './custody-commands.ts';
import { collect, integer, type Shell } from './shell.ts';

/** Adds `tsunagu lifecycle`, `custody`, `inspect`, `swap`, `workshop`, `evidence` and `approvals`. */
export function addLifeCommands(program: Command, shell: Shell): void {
  const { withServer } = shell;
  const lifecycle = program.command('lifecycle').description('where terminals are in their lives / ライフサイクル');
  lifecycle
    .command('show <serial>')
    .description('state, what it permits, where it leads, history / 状態と履歴')
    .action((serial: string) =>
      withServer(async (given) => (await import('./lifecycle.ts')).showLifecycle(given, serial)),
    );
  lifecycle
    .command('move <serial> <state>')
    .description('one step along the graph, with its evidence / 状態の移動')
    .requiredOption('--reason <text>', 'why / 理由')
    .option('--from <state>', 'refused when it is in another state / 現在の状態の確認')
    .option('--bag <number>', 'bag that it is taken out of, or put into / 封印袋番号')
    .option('--photo <file>', 'its SHA-256 is handed in; the file stays here / 写真')
    .option('--seal <number>', 'a seal as it is read; repeat for each / 封印シール', collect)
    .option('--connections <count>', 'cables plugged in / 接続ケーブル数', integer(0, 32))
    .option('--kcv <slot=value>', 'check value as the terminal shows it; repeat / 鍵検査値', collect)
    .option('--wipe-job <id>', 'the wipe that it swore to / 消去ジョブ')
    .option(
      '--destroyed <method>',
      'of one that does not answer: shredded, crushed or drilled, with --photo / 破壊方法',
    )
    .option('--owed-job <id>', 'a diagnosis with empty queues, or a wipe / 未送信なしの診断ジョブ')
    .option('--owed-declared <words>', 'of one that does not answer; a second person has to agree / 申告')
    .option('--test-job <id>', 'a self-test that passed / 自己診断ジョブ')
    .option('--bench-test <id>', 'a test at the bench / 作業台試験')
    .option(
      '--inspection <id>',
      'of a case that changed: the inspection since it was quarantined, with --finding / 隔離後の点検',
    )
    .option('--finding <words>', 'what the investigation came to / 調査結果')
    .option('--recycling <json>', 'recycler, receipt, batteryGrams, materialGrams / 再資源化受領書')
    .option('--dry-run', 'only say whether it could be taken / 確認のみ', false)
    .action((serial: string, state: string, options: MoveOptions) =>
      withServer(async (given) => (await import('./lifecycle.ts')).moveLifecycle(given, serial, state, options)),
    );
  lifecycle
    .command('import <file>')
    .description('the steps of a CSV file / CSV一括')
    .addHelpText(
      'after',
      '\nColumns: serial, to, reason; and from, bag, photo (SHA-256), seals, connections, kcv (slot=value), wipeJob, owedJob, testJob.\nSeveral seals, or check values, are parted by ";". / 1行目は列名。複数の値は ";" で区切ります。',
    )
    .option('--dry-run', 'only say what would be done / 確認のみ', false)
    .action((file: string, { dryRun }: { dryRun: boolean }) =>
      withServer(async (given) => (await import('./lifecycle.ts')).importMoves(given, file, dryRun)),
    );
  lifecycle
    .command('graph')
    .description('all states, edges, and what each asks for / 状態遷移図')
    .action(async () => {
      process.exitCode = (await import('./lifecycle.ts')).showGraph(shell.open(), shell.json());
    });

  addCustodyCommands(program, shell);

  const swap = program.command('swap').description('one unit takes the place of another / 交換');
  swap
    .command('start <old> <new>')
    .description('place, children and parameters go over, keys never; goes on by itself / 開始')
    .requiredOption('--reason <text>', 'why / 理由')
    .option('--bag <number>', 'bag that the new unit came in / 封印袋番号')
    .option('--photo <file>', 'of the new unit in its place / 写真')
    .option('--seal <number>', 'a seal as it is read; repeat / 封印シール', collect)
    .option('--connections <count>', 'cables plugged in / 接続ケーブル数', integer(0, 32))
    .action((old: string, fresh: string, options: MoveOptions) =>
      withServer(async (given) => (await import('./swap.ts')).startSwap(given, old, fresh, options)),
    );
  swap
    .command('list')
    .description('swaps, newest first / 一覧')
    .action(() => withServer(async (given) => (await import('./swap.ts')).listSwaps(given)));
  for (const [name, verb, says] of [
    ['show', undefined, 'how far it is, and what it waits for / 状況'],
    ['advance', 'advance', 'look again now / 再確認'],
    ['old-is-dead', 'old-is-dead', 'the old unit does not answer / 旧端末応答なし'],
    ['abort', 'abort', 'take it back, while the old unit still sells / 中止'],
  ] as const)
    swap
      .command(`${name} <id>`)
      .description(says)
      .action((id: string) => withServer(async (given) => (await import('./swap.ts')).actOnSwap(given, id, verb)));

  const workshop = program.command('workshop').description('the refurbish workshop / 整備');
  const bench = () => import('./workshop.ts');
  workshop
    .command('open <serial>')
    .description('take a terminal in / 入庫')
    .addOption(new Option('--intake <why>').choices(workIntake.options).default('fault'))
    .option('--fault <code>', 'what the shop says ails it')
    .option('--warranty-until <date>')
    .action((serial: string, options: { intake: string; fault?: string; warrantyUntil?: string }) =>
      withServer(async (given) => (await bench()).openWorkOrder(given, serial, options)),
    );
  workshop
    .command('note <id> <kind>')
    .description(
      'what was done: diagnosed, part-fitted, part-harvested, labour, bench-test, rma-out, rma-in, closed / 作業記録',
    )
    .option(
      '--facts <json>',
      'what belongs to it, JSON: diagnosed {"fault": CODE or null}; part-fitted {"part", "costYen", "from": SERIAL or null}; part-harvested {"part"}; labour {"minutes", "costYen"}; rma-out {"vendor", "number"}; rma-in {"outcome": repaired, replaced or refused, "costYen"}; closed {"outcome": repaired, no-fault-found or beyond-repair, "grade": A, B, C or null} / 内容',
      '{}',
    )
    .option(
      '--attestation <file>',
      'of a bench test: what `tsunagu bridge attest --nonce ID` wrote / 作業台試験の署名付き結果',
    )
    .action((id: string, kind: string, options: { facts: string; attestation?: string }) =>
      withServer(async (given) => (await bench()).noteWork(given, id, kind, options)),
    );
  workshop
    .command('list')
    .description('work orders, open ones first / 一覧')
    .action(() => withServer(async (given) => (await bench()).listWork(given)));
  workshop
    .command('show <id>')
    .description('one work order / 詳細')
    .action((id: string) => withServer(async (given) => (await bench()).showWork(given, id)));
  workshop
    .command('faults')
    .description('the fault codes / 故障コード')
    .action(async () => {
      process.exitCode = (await bench()).listFaults(shell.open(), shell.json());
    });
  workshop
    .command('figures')
    .description('reuse, yield, cost, days, waste and CO2 avoided / 実績')
    .requiredOption('--from <date>')
    .requiredOption('--to <date>')
    .action((options: { from: string; to: string }) =>
      withServer(async (given) => (await bench()).showFigures(given, options)),
    );
  workshop
    .command('wipe <file>')
    .description('order a wipe of each serial of a CSV file; each waits for a second person / 一括消去')
    .action((file: string) => withServer(async (given) => (await import('./wipes.ts')).orderWipes(given, file)));
  workshop
    .command('wiped <file>')
    .description('a certificate for each serial of a CSV file, and one list; exit 5 when one has none / 消去証明書')
    .requiredOption('--out <folder>', 'a folder that is not there yet')
    .action((file: string, options: { out: string }) =>
      withServer(async (given) => (await import('./wipes.ts')).writeWipeCertificates(given, file, options)),
    );
  workshop
    .command('death <serial>')
    .description('certificate of death of a scrapped terminal / 廃棄証明')
    .action((serial: string) => withServer(async (given) => (await bench()).showDeath(given, serial)));

  program
    .command('evidence')
    .description('the assessor’s pack: lists, steps, inspections, custody, keys, and a verifier / 監査資料')
    .requiredOption('--from <date>')
    .requiredOption('--to <date>')
    .requiredOption('--out <folder>', 'a folder that is not there yet')
    .action((options: { from: string; to: string; out: string }) =>
      withServer(async (given) => (await import('./evidence.ts')).writePack(given, options)),
    );

  const approvals = program.command('approvals').description('what waits for a second person / 承認');
  approvals
    .command('show <id>')
    .description('one request, and which terminals it is about / 承認依頼の内容')
    .action((id: string) => withServer(async (given) => (await import('./approvals.ts')).showApproval(given, id)));
  approvals
    .command('list')
    .description('requests, newest first / 一覧')
    .option('--all', 'decided ones too', false)
    .action(({ all }: { all: boolean }) =>
      withServer(async (given) => (await import('./approvals.ts')).listApprovals(given, all)),
    );
  for (const [name, verdict, says] of [
    ['approve', 'approved', 'let it happen, as a second person / 承認'],
    ['refuse', 'refused', 'keep it from happening / 却下'],
  ] as const)
    approvals
      .command(`${name} <id>`)
      .description(says)
      .option('--reason <text>', 'why / 理由')
      .action((id: string, { reason }: { reason?: string }) =>
        withServer(async (given) => (await import('./approvals.ts')).decideApproval(given, id, verdict, reason)),
      );
}
