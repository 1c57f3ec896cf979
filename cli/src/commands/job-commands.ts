import { jobStates, jobTypes } from '@tsunagu/protocols/fleet';
import { type Command, Option } from 'commander';
import type { JobFilter, JobOrderOptions, JobSelection } from './jobs.ts';
import { integer, type Shell } from './shell.ts';

/** Adds `tsunagu job …`. */
export function addJobCommands(program: Command, shell: Shell): void {
  const jobs = program.command('job').description('everything that is done to terminals / ジョブ');
  jobs
    .command('list')
    .description('jobs, newest first / 一覧')
    .option('--serial <serial>', 'of one terminal')
    .addOption(new Option('--state <state>', 'in one state').choices(jobStates))
    .addOption(new Option('--type <kind>', 'of one kind').choices(jobTypes))
    .option('--reference <name>', 'of one campaign')
    .option('--limit <count>', 'how many at most', integer(1, 500), 50)
    .action((filter: JobFilter) =>
      shell.withServer(async (context) => (await import('./jobs.ts')).listJobs(context, filter)),
    );
  jobs
    .command('kinds')
    .description('what can be ordered / 種類の一覧')
    .action(async () => {
      const { listKinds } = await import('./jobs.ts');
      process.exitCode = listKinds({ console: shell.open(), json: shell.json() });
    });
  jobs
    .command('show <id>')
    .description('one job, its steps and what it brought / 詳細')
    .action((id: string) => shell.withServer(async (context) => (await import('./jobs.ts')).showJob(context, id)));
  jobs
    .command('order <serials> <kind>')
    .description(
      'have a terminal do something, and wait for the end; several, with commas between them, are not waited for / 指示',
    )
    .option('--params <json>', 'what the kind needs, JSON', '{}')
    .option('--emergency', 'before everything that is routine', false)
    .option('--not-before <time>', 'RFC 3339, UTC')
    .option('--not-after <time>', 'RFC 3339, UTC')
    .option('--reference <name>', 'what it belongs to, such as a campaign')
    .option('--detach', 'do not wait for the end', false)
    .action((serials: string, kind: string, options: JobOrderOptions) =>
      shell.withServer(async (context) => {
        const { orderJob, orderJobs } = await import('./jobs.ts');
        const [serial = '', ...others] = serials.split(',');
        return others.length === 0
          ? await orderJob(context, serial, kind, options)
          : await orderJobs(context, [serial, ...others], kind, options);
      }),
    );
  for (const [name, how, says] of [
    ['retry', 'retryJob', 'order once more what a job that is over was to do / 再実行'],
    ['approve', 'approveJob', 'let a held job go, as a second person / 承認'],
  ] as const)
    jobs
      .command(`${name} <id>`)
      .description(says)
      .action((id: string) =>
        shell.withServer(async (context) => (await import('./jobs.ts')).changeJob(context, how, id)),
      );
  jobs
    .command('cancel [id]')
    .description('take a job back, or all open ones of a selection; the terminal has the last word / 取消')
    .option('--serial <serial>', 'those of one terminal')
    .addOption(new Option('--state <state>', 'those in one state').choices(jobStates))
    .addOption(new Option('--type <kind>', 'those of one kind').choices(jobTypes))
    .option('--reference <name>', 'those of one campaign')
    .option('--dry-run', 'say which, and do nothing', false)
    .action((id: string | undefined, { dryRun, ...selection }: JobSelection & { dryRun: boolean }) =>
      shell.withServer(async (context) => {
        const { cancelJobs, changeJob } = await import('./jobs.ts');
        const isSelected = Object.keys(selection).length > 0;
        return id !== undefined && !isSelected && !dryRun
          ? await changeJob(context, 'cancelJob', id)
          : await cancelJobs(context, id, selection, dryRun);
      }),
    );
  jobs
    .command('carry <serials>')
    .description(
      'what waits for terminals without a line, into a file that somebody carries there (emulate carry); commas between serials / 持参ファイルの作成',
    )
    .requiredOption('--out <file>', 'the file, a new one')
    .action((serials: string, { out }: { out: string }) =>
      shell.withServer(async (context) => (await import('./carry.ts')).fetchCarried(context, serials.split(','), out)),
    );
  jobs
    .command('deliver <files...>')
    .description('what terminals without a line have signed of their jobs / 持ち帰った結果の登録')
    .action((files: string[]) =>
      shell.withServer(async (context) => (await import('./carry.ts')).deliverReports(context, files)),
    );
  jobs
    .command('log <id>')
    .description('the log that a job pulled / ログの表示')
    .option('--out <file>', 'write it there')
    .action((id: string, { out }: { out?: string }) =>
      shell.withServer(async (context) => (await import('./jobs.ts')).saveLog(context, id, out)),
    );
}
