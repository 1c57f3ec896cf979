import { stockKinds, workIntake, workKinds } from '@tsunagu/protocols/refurbish';
import { Argument, type Command, Option } from 'commander';
import type { MoveOptions } from './lifecycle.ts';
import type { StockOptions } from './stock.ts';
import type { NoteOptions } from './workshop.ts';
import { edgeOptions } from '../console/index.ts';
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
    .addHelpText('after', () => edgeOptions(shell.open()))
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
      'of one that does not answer, to scrap: shredded, crushed or drilled, with --photo and --destroyed-at / 破壊方法',
    )
    .option('--destroyed-at <time>', 'when, RFC 3339: 2026-05-01T09:00:00Z / 破壊日時')
    .option('--owed-job <id>', 'a diagnosis with empty queues, or a wipe / 未送信なしの診断ジョブ')
    .option(
      '--owed-declared <words>',
      'of one that does not answer, with --silent-since; a second person has to agree / 申告',
    )
    .option('--silent-since <time>', 'since when it says nothing, RFC 3339 / 無応答になった日時')
    .option(
      '--owed-waiting <count>',
      'how many waited in it by what it said last, with --owed-became / 最後の報告の未送信件数',
      integer(0, 100_000),
    )
    .option('--owed-became <words>', 'what became of those / 未送信取引の処理結果')
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
      '\nColumns: serial, to, reason; and from, bag, photo (SHA-256), seals, connections, kcv (slot=value), wipeJob or destroyed with destroyedAt, owedJob or owedDeclared with silentSince, owedWaiting and owedBecame, testJob or benchTest, inspection with finding; to scrap: recycler, receipt, batteryGrams, plasticGrams, metalGrams, boardsGrams, displayGrams, otherGrams.\nSeveral seals, or check values, are parted by ";". UTF-8, UTF-16 or Shift_JIS. / 1行目は列名。複数の値は ";" で区切ります。文字コードはUTF-8、UTF-16、Shift_JIS。',
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
    .option('--fault <code>', 'what the shop says ails it: a code of `workshop faults` / 申告された故障')
    .option('--warranty-until <date>', 'YYYY-MM-DD / 保証期限')
    .action((serial: string, options: { intake: string; fault?: string; warrantyUntil?: string }) =>
      withServer(async (given) => (await bench()).openWorkOrder(given, serial, options)),
    );
  workshop
    .command('note <id>')
    .addArgument(new Argument('<kind>', 'what was done / 作業の種類').choices(workKinds))
    .description('what was done / 作業記録')
    .option('--fault <code>', 'of diagnosed: a code of `workshop faults`, or none / 故障コード')
    .option('--part <number>', 'of part-fitted and part-harvested / 部品番号')
    .option(
      '--from <serial>',
      'of part-fitted: the terminal that it was harvested from; else it is a bought one, from stock / 取外し元',
    )
    .option('--cost-yen <yen>', 'of part-fitted, labour and rma-in / 費用', integer(0, 10_000_000))
    .option('--minutes <count>', 'of labour / 作業時間', integer(1, 10_000))
    .option('--vendor <name>', 'of rma-out / 修理先')
    .option('--number <rma>', 'of rma-out / RMA番号')
    .option(
      '--outcome <what>',
      'of rma-in: repaired, replaced or refused; of closed: repaired, no-fault-found or beyond-repair / 結果',
    )
    .option('--grade <grade>', 'of closed: A, B, C, or none when it is beyond repair / 等級')
    .option(
      '--attestation <file>',
      'of bench-test: what `tsunagu bridge attest --nonce ID` wrote / 作業台試験の署名付き結果',
    )
    .option('--replacement <serial>', 'of rma-in, replaced: what its vendor sent instead / 交換品のシリアル')
    .option('--replacement-model <model>', 'as the old one, unless told / 交換品の機種')
    .option('--wipe-job <id>', 'of rma-in, replaced: the wipe that the old one swore to / 旧端末の消去ジョブ')
    .option(
      '--destroyed <method>',
      'else: its vendor destroyed it, with --photo of their paper and --destroyed-at / 破壊方法',
    )
    .option('--destroyed-at <time>', 'when, RFC 3339 / 破壊日時')
    .option('--photo <file>', 'its SHA-256 is handed in; the file stays here / 写真')
    .option('--owed-job <id>', 'that the old one owes nothing: a diagnosis with empty queues, or a wipe / 未送信なし')
    .option('--owed-declared <words>', 'else: a declaration, with --silent-since / 申告')
    .option('--silent-since <time>', 'since when it says nothing, RFC 3339 / 無応答になった日時')
    .option('--owed-waiting <count>', 'how many waited in it, with --owed-became / 未送信件数', integer(0, 100_000))
    .option('--owed-became <words>', 'what became of those / 未送信取引の処理結果')
    .action((id: string, kind: string, options: NoteOptions) =>
      withServer(async (given) => (await bench()).noteWork(given, id, kind, options)),
    );
  workshop
    .command('list')
    .description('work orders that are not closed, newest first / 一覧')
    .option('--all', 'closed ones too / 完了分も', false)
    .action(({ all }: { all: boolean }) => withServer(async (given) => (await bench()).listWork(given, all)));
  workshop
    .command('parts')
    .description('parts that were taken out of terminals, and where each went; bought ones: stock / 取外し部品')
    .option('--part <number>', 'of this part number / 部品番号')
    .option('--lying', 'only those that were not fitted yet / 未使用のみ', false)
    .action((options: { part?: string; lying: boolean }) =>
      withServer(async (given) => (await bench()).listParts(given, options)),
    );
  const stock = workshop.command('stock').description('bought parts: how many lie there / 購入部品の在庫');
  const shelves = () => import('./stock.ts');
  stock
    .command('list')
    .description('by part number / 一覧')
    .option('--low', 'only those of which there are too few / 最低数を下回るもの', false)
    .action(({ low }: { low: boolean }) => withServer(async (given) => (await shelves()).listStock(given, low)));
  stock
    .command('show <part>')
    .description('what was done to it, newest first / 入出庫履歴')
    .action((part: string) => withServer(async (given) => (await shelves()).showStock(given, part)));
  stock
    .command('note <part>')
    .addArgument(new Argument('<kind>', 'what was done / 種類').choices(stockKinds))
    .description('what was done; a part that is fitted is noted by its work order / 入荷・棚卸し・調整・最低数')
    .option('--count <count>', 'of received and counted / 数', integer(0, 100_000))
    .option('--receipt <number>', 'of received: the delivery note / 納品書番号')
    .option('--change <count>', 'of adjusted: 2, or -1 / 増減', integer(-100_000, 100_000))
    .option('--reason <text>', 'of adjusted / 理由')
    .option('--minimum <count>', 'of minimum: fewer are too few / 最低数', integer(0, 100_000))
    .action((part: string, kind: string, options: StockOptions) =>
      withServer(async (given) => (await shelves()).noteStock(given, part, kind, options)),
    );
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
    .option('--out <file>', 'the signed record (JSON), or its print (a name that ends in .pdf) / 保存先')
    .action((serial: string, { out }: { out?: string }) =>
      withServer(async (given) => (await import('./death.ts')).showDeath(given, serial, out)),
    );

  program
    .command('evidence')
    .description('the assessor’s pack: lists, steps, inspections, custody, keys, and a verifier / 監査資料')
    .requiredOption('--from <date>', 'first day, YYYY-MM-DD / 開始日')
    .requiredOption('--to <date>', 'last day, YYYY-MM-DD / 終了日')
    .requiredOption('--out <folder>', 'a folder that is not there yet / 新しいフォルダー')
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
