// A node as somebody new meets it: an empty folder, `init`, `serve`, and the link that was printed.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const freePort = () =>
  new Promise((tell, fail) => {
    const server = createServer().on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => tell(port));
    });
  });

export async function freshNode(programs) {
  const folder = mkdtempSync(join(tmpdir(), 'ldsp-journey-'));
  const port = await freePort();
  const { LDSP_CONFIG, ...ambient } = process.env;
  const env = { ...ambient, LDSP_DATA_DIR: join(folder, 'node'), LDSP_LISTEN: `127.0.0.1:${port}` };
  const program = join(programs, 'ldsp-node');
  const run = (...args) => execFileSync(program, args, { cwd: folder, env, encoding: 'utf8' });
  const said = run('init');
  const link = said.match(/https:\/\/\S+\/welcome\/\S+/)?.[0];
  let server;
  const serve = async () => {
    server = spawn(program, ['serve'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    await listening(server);
  };
  const stop = async () => {
    const ended = new Promise((tell) => server.once('exit', tell));
    server.kill('SIGTERM');
    await ended;
  };
  await serve();
  return {
    url: `https://127.0.0.1:${port}`,
    folder,
    link,
    run,
    held: () => held(join(folder, 'node', 'node.db')),
    restart: async () => {
      await stop();
      await serve();
    },
    end: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Holds the database as a long import does, until it is let go. */
function held(database) {
  const hold = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1], isolation_level=None); d.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()";
  const holder = spawn('python3', ['-c', hold, database], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((tell) => holder.once('exit', tell));
  const letGo = async () => {
    holder.stdin.end();
    await ended;
  };
  return new Promise((tell, fail) => {
    createInterface({ input: holder.stdout }).once('line', () => tell(letGo));
    holder.once('error', fail).once('exit', (code) => fail(new Error(`the database was not held: ${code}`)));
  });
}

/** Until the server says where it listens; what it says later is read and let go, so that it never waits for a reader. */
function listening(server) {
  return new Promise((tell, fail) => {
    const said = [];
    server.once('exit', (code) => fail(new Error(`serve ended with ${code}: ${said.join(' ')}`)));
    for (const stream of [server.stdout, server.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        if (said.length < 20) said.push(line);
        if (/listening on https:/.test(line)) tell();
      });
    }
  });
}
