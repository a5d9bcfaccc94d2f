'use strict';

// Asks the package: what a deployment decides or says, it decides and says in Python.

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

// The credentials of osls itself, so that both ask the same account.
const environment = ({ accessKeyId, secretAccessKey, sessionToken }) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
});

// Returns what a module answers to a question; throws the one line in which it refuses, or why it could not be asked.
const ask = (module, question, credentials) => {
  const env = { ...process.env, ...(credentials && environment(credentials)), PYTHONPATH: ROOT };
  const failures = [];
  for (const python of pythons()) {
    const asked = spawnSync(python, ['-m', module], { cwd: ROOT, env, input: JSON.stringify(question), encoding: 'utf8' });
    if (asked.status === 0) return JSON.parse(asked.stdout);
    // Who dies early may leave the question unread, which is an error beside its own words.
    const line = (asked.stderr || asked.error?.message || '').trim().split('\n').pop();
    if (asked.status === 2) throw new Error(line);
    if (asked.error?.code !== 'ENOENT' || python === 'python3') failures.push(`${python}: ${line}`);
  }
  throw new Error(`Python 3.11 or later with boto3 is needed, as \`pipx install .\` brings it; ${failures[0]}`);
};

module.exports = { ask };
