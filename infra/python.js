'use strict';

// Asks the package: what a deployment decides, it decides in Python.

const { spawnSync } = require('node:child_process');
const { existsSync, realpathSync } = require('node:fs');
const { delimiter, dirname, join } = require('node:path');

const ROOT = join(__dirname, '..');

// The Python of this folder, that of the command `edgesweep` wherever it was installed, and any other.
function* pythons() {
  yield join(ROOT, '.venv', 'bin', 'python');
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const command = join(folder, 'edgesweep');
    if (existsSync(command)) yield join(dirname(realpathSync(command)), 'python');
  }
  yield 'python3';
}

const stop = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(2);
};

// Returns what a module answers to a question. A refusal, or a machine without a fitting Python, ends the command with one line.
const ask = (module, question, environment = {}) => {
  const options = { cwd: ROOT, env: { ...process.env, ...environment, PYTHONPATH: ROOT }, input: JSON.stringify(question), encoding: 'utf8' };
  const failures = [];
  for (const python of pythons()) {
    const { error, status, stdout, stderr } = spawnSync(python, ['-m', module], options);
    if (status === 0) return JSON.parse(stdout);
    const line = (error?.message ?? stderr).trim().split('\n').pop();
    if (status === 2) return stop(line);
    if (error?.code !== 'ENOENT' || python === 'python3') failures.push(`${python}: ${line}`);
  }
  return stop(`The parameters cannot be checked without Python 3.11 or later and boto3; \`pipx install .\` brings both. ${failures[0]}`);
};

module.exports = { ask, stop };
