import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { leadingDigits } from '../../../cli/src/commands/switch-rules-commands.ts';
import { usageFaultOf } from '../../../cli/src/console/index.ts';

const program = join(import.meta.dirname, '../../../cli/bin/tsunagu.js');
const pan = '4000056655665556';

test.each([
  ['400005', '400005'],
  ['40000566556', '40000566556'],
  ['400005665566', '4000056'],
  ['3782 822463 10005', '3782822463'],
  [pan, '40000566556'],
  ['4000-0566-5566-5556', '40000566556'],
  ['4000056655665556123', '40000566556'],
])('of %s the digits %s leave', (typed, leave) => {
  expect(leadingDigits(typed)).toBe(leave);
});

test('what is said of a command line tells no card number, in either language', () => {
  for (const typed of [`${pan}x`, '4000 0566 5566 5556 x', '4000-0566-5566-5556-7'])
    for (const language of ['en', 'ja'] as const) {
      const message = `error: command-argument value '${typed}' is invalid for argument 'digits'. 6-11 digits`;
      const told = JSON.stringify(usageFaultOf({ code: 'commander.invalidArgument', message }, language));
      expect(told).toContain('digits');
      expect(told.replaceAll(/\D/g, '')).not.toMatch(/\d{13}/);
      expect(told).not.toContain('5556');
    }
});

test('a whole card number at `switch route explain` never leaves the program: in no address, body, header or line that it prints', async () => {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    heard.push(`${request.method} ${request.url} ${request.rawHeaders.join(' ')}`);
    request.on('data', (bytes: Buffer) => heard.push(bytes.toString()));
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ version: 1, link: 'card-company-1', scheme: 'visa', steps: [], standIn: null }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const run = async (...argv: string[]) => {
    const child = spawn(
      process.execPath,
      [program, '--server', `http://127.0.0.1:${port}`, 'switch', 'route', 'explain', ...argv],
      { env: { ...process.env, TSUNAGU_TOKEN: 'x'.repeat(32), LANG: 'C' } },
    );
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (bytes: Buffer) => (printed += bytes.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    return { code, printed };
  };
  try {
    const found = await run(pan);
    expect([found.code, found.printed]).toEqual([0, expect.stringContaining('card-company-1')]);
    expect(heard).toEqual([
      expect.stringMatching(/^POST \/api\/v1\/switch\/routing\/explanations /),
      expect.stringContaining('"digits":"40000566556"'),
    ]);
    const refused = await run(`${pan}x`);
    expect(refused.printed).toContain('COMMAND_INVALID');
    expect(heard).toHaveLength(2);
    for (const text of [...heard, found.printed, refused.printed]) expect(text).not.toContain('5665566555');
  } finally {
    server.close();
  }
}, 120_000);
