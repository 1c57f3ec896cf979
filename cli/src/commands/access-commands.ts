import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { accessPaths, createToken, createWebhook, replayWebhook, role, type Role } from '@tsunagu/protocols/fleet';
import type { World } from '@tsunagu/protocols/world';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Access } from '../client/index.ts';
import { type Console, type ExitCode, exit, printFault } from '../console/index.ts';
import type { Context } from './context.ts';
import { integer } from './shell.ts';

/** What the commands are run with. */
interface Runs {
  readonly world: World;
  readonly open: () => Console;
  readonly isJson: () => boolean;
  readonly withServer: (work: (context: Context) => Promise<ExitCode>) => Promise<void>;
  readonly access: () => Access | undefined;
}

const aRole = (text: string, before: readonly Role[] = []): readonly Role[] => {
  const read = role.safeParse(text);
  if (!read.success) throw new InvalidArgumentError('admin, operator, technician, custodian, auditor, viewer');
  return [...before, read.data];
};
const listed = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** Commands for people, tokens, webhooks and the audit log. */
export function addAccessCommands(program: Command, { world, open, isJson, withServer, access }: Runs): void {
  const refuseInput = (console: Console, field: string | number | undefined): ExitCode => {
    printFault(console, { code: 'INPUT_INVALID', ...(field !== undefined && { field }) }, isJson());
    return exit.usage;
  };

  const people = program.command('people').description('who may sign in / 担当者一覧');
  people.action(() => withServer(async (context) => (await import('./people.ts')).listPeople(context)));
  people
    .command('add <name>')
    .description('add somebody and print their sign-in link / 担当者を追加')
    .requiredOption('--role <role>', 'role, again for another', aRole)
    .action((name: string, options: { role: readonly Role[] }) =>
      withServer(async (context) => (await import('./people.ts')).addPerson(context, name, options.role)),
    );

  people
    .command('sign-in <link>')
    .description('spend a sign-in link on a token for half a day, and print it / リンクでサインイン')
    .action(async (link: string) => {
      process.exitCode = await (await import('./people.ts')).signInByLink(open(), world, link, isJson());
    });

  const tokens = program.command('tokens').description('API tokens / APIトークン一覧');
  tokens.action(() => withServer(async (context) => (await import('./people.ts')).listTokens(context)));
  tokens
    .command('add <name>')
    .description('make a token and print it, this once / トークンを作成')
    .requiredOption('--role <role>', 'role, again for another', aRole)
    .option('--permission <permission>', 'only this of what the roles may do; again for another', listed)
    .option('--place <place>', 'only terminals of this merchant or merchant/shop; again for another', listed)
    .option('--expires <time>', 'when it ends by itself, RFC 3339 UTC')
    .action(
      (
        name: string,
        options: {
          role: readonly Role[];
          permission?: readonly string[];
          place?: readonly string[];
          expires?: string;
        },
      ) =>
        withServer(async (context) => {
          const read = createToken.safeParse({
            name,
            roles: options.role,
            permissions: options.permission,
            places: options.place,
            expiresAt: options.expires,
          });
          return read.success
            ? await (await import('./people.ts')).addToken(context, read.data)
            : refuseInput(context.console, read.error.issues[0]?.path.join('.'));
        }),
    );
  tokens
    .command('revoke <id>')
    .description('end a token at once / トークンを失効')
    .action((id: string) => withServer(async (context) => (await import('./people.ts')).revokeToken(context, id)));

  const webhooks = program.command('webhooks').description('where messages go / Webhook一覧');
  webhooks.action(() => withServer(async (context) => (await import('./webhooks.ts')).listWebhooks(context)));
  webhooks
    .command('add <name> <url>')
    .description('add a webhook and print its id and secret, this once / Webhookを追加')
    .option('--event <kind>', 'kind of the timeline, again for another; all unless told', listed)
    .action((name: string, url: string, options: { event?: readonly string[] }) =>
      withServer(async (context) => {
        const read = createWebhook.safeParse({ name, url, events: options.event ?? null });
        return read.success
          ? await (await import('./webhooks.ts')).addWebhook(context, read.data)
          : refuseInput(context.console, read.error.issues[0]?.path.join('.'));
      }),
    );
  webhooks
    .command('deliveries <id>')
    .description('the newest messages / 配信状況')
    .addOption(new Option('--state <state>', 'only these').choices(['pending', 'delivered', 'dead']))
    .action((id: string, options: { state?: string }) =>
      withServer(async (context) => (await import('./webhooks.ts')).listDeliveries(context, id, options.state)),
    );
  webhooks
    .command('replay <id>')
    .description('send again / 再送')
    .option('--from <time>', 'from a time on, RFC 3339 UTC')
    .option('--from-event <id>', 'from an entry of the timeline on', integer(1, Number.MAX_SAFE_INTEGER))
    .option('--dead', 'what is dead')
    .action((id: string, options: { from?: string; fromEvent?: number; dead?: true }) =>
      withServer(async (context) => {
        const read = replayWebhook.safeParse(options);
        if (read.success) return await (await import('./webhooks.ts')).replay(context, id, read.data);
        const facts = { example: '--from 2026-05-01T09:00:00Z' };
        printFault(context.console, { code: 'OPTION_INVALID', field: '--from, --from-event, --dead', facts }, isJson());
        return exit.usage;
      }),
    );
  webhooks
    .command('try <id>')
    .description('try a receiver that was down now, not at the time that the list shows / 直ちに送信を試行')
    .action((id: string) => withServer(async (context) => (await import('./webhooks.ts')).tryNow(context, id)));
  webhooks
    .command('rotate <id>')
    .description('make a new secret and print it, this once; the old one signs for a day more / 署名鍵の更新')
    .action((id: string) => withServer(async (context) => (await import('./webhooks.ts')).rotateSecret(context, id)));
  for (const [verb, state, says] of [
    ['pause', 'paused', 'let messages wait / 一時停止'],
    ['resume', 'active', 'send again, what waits at once / 再開'],
  ] as const)
    webhooks
      .command(`${verb} <id>`)
      .description(says)
      .action((id: string) =>
        withServer(async (context) => (await import('./webhooks.ts')).setState(context, id, state)),
      );
  webhooks
    .command('remove <id>')
    .description('remove it, and what waits for it / 削除')
    .action((id: string) => withServer(async (context) => (await import('./webhooks.ts')).removeWebhook(context, id)));

  const audit = program.command('audit').description('the audit log / 監査ログ');
  audit
    .command('list')
    .description('who did what, newest first / 一覧')
    .option('--actor <person>', 'by whom')
    .option('--subject <subject>', 'on what, such as terminal/CT5100-0001')
    .option('--action <action>', 'what, such as people.create')
    .addOption(new Option('--outcome <outcome>', 'what came of it').choices(['done', 'refused', 'failed']))
    .option('--from <time>', 'not before, RFC 3339 UTC')
    .option('--to <time>', 'before, RFC 3339 UTC')
    .option('--limit <count>', 'how many', '50')
    .action((options: Record<string, string>) =>
      withServer(async (context) => (await import('./audit.ts')).listAudit(context, options)),
    );
  audit
    .command('head')
    .description('the newest signed head, to keep elsewhere / 最新の署名済みヘッド')
    .action(() => withServer(async (context) => (await import('./audit.ts')).showHead(context)));
  audit
    .command('export')
    .description('the whole log, for the verifier / 書き出し')
    .option('--out <file>', 'file; standard output unless told')
    .action((options: { out?: string }) =>
      withServer(async ({ console, json }) => {
        const found = access();
        if (!found) return exit.auth;
        try {
          const answer = await fetch(new URL(accessPaths.auditExport, found.url), {
            headers: { authorization: `Bearer ${found.token}` },
          });
          if (!answer.ok || !answer.body) {
            printFault(console, { code: answer.status === 401 ? 'AUTH_REQUIRED' : 'ROLE_INSUFFICIENT' }, json);
            return exit.failed;
          }
          await pipeline(answer.body, options.out === undefined ? process.stdout : createWriteStream(options.out), {
            end: options.out !== undefined,
          });
        } catch (cause) {
          printFault(console, { code: 'SERVER_UNREACHABLE', facts: { url: found.url }, cause }, json);
          return exit.failed;
        }
        return exit.ok;
      }),
    );
  audit
    .command('verify <file>')
    .description('check an exported log, without a server / 検証')
    .option('--key <id>', 'name of the key that must have signed')
    .option('--heads <file>', 'heads that came another way, one a line')
    .option('--from <number>', 'the entry that a part of a log begins with', integer(1, 2 ** 31), 1)
    .action(async (file: string, options: { key?: string; heads?: string; from: number }) => {
      process.exitCode = await (await import('./audit.ts')).verifyAudit(open(), file, options, isJson());
    });
}
