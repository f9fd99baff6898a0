// Prints the outcome of checks, one line each; any that fails makes the exit code 1.

/** Prints `ok NAME`, or `not ok NAME` with what was found instead. */
export function check(name, holds, found = '') {
  if (!holds) process.exitCode = 1;
  const detail = holds || found === '' ? '' : `: ${typeof found === 'string' ? found : JSON.stringify(found)}`;
  console.log(`${holds ? 'ok' : 'not ok'} ${name}${detail.replaceAll('\n', ' ')}`);
  return holds;
}

/** Runs a flow; one that throws is a check that failed. */
export async function flow(name, run) {
  try {
    await run();
  } catch (error) {
    check(`${name} runs to its end`, false, String(error.message ?? error).slice(0, 800));
  }
}
