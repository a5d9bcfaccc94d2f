'use strict';

// Gathers the deploy parameters. Python completes them from the deployed stack and checks them
// (infra/parameters.py): a wrong one ends the command with one line, before anything is packaged or deployed.

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ask } = require('./python');

const stop = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(2);
};

const complete = (question, credentials) => {
  try {
    return ask('infra.parameters', question, credentials);
  } catch ({ message }) {
    return stop(message);
  }
};

// The parameters of a package that was made before: they cannot be changed any more.
const packaged = (folder) => JSON.parse(readFileSync(join(folder, 'serverless-state.json'), 'utf8')).service.custom.deploy.given;

module.exports = async ({ options, resolveConfigurationProperty, resolveVariable }) => {
  const assignments = options.param ?? [];
  const empty = assignments.find((assignment) => /^[^=]+=?$/.test(assignment));
  if (empty) stop(`Parameter ${empty.replace('=', '')} has no value; give ${empty.replace('=', '')}=default for its default`);
  const { credentials, failure, ...place } = await resolveVariable('deployment:');
  const stage = await resolveVariable('self:provider.stage');
  if (failure) stop(`The stack ${place.stack} in ${place.region} cannot be read, so nothing is deployed: ${failure}`);
  const names = assignments.map((assignment) => assignment.split('=', 1)[0]);
  for (const those of ['default', stage]) {   // as osls allows in serverless.yml
    names.push(...Object.keys((await resolveConfigurationProperty(['params', those])) ?? {}));
  }
  const values = {};
  for (const name of names) values[name] = String(await resolveVariable(`param:${name}`));
  if (options.package && place.command === 'deploy') {
    const late = names.find((name) => name !== 'drop');
    if (late) stop(`Parameter ${late} comes too late: the package in ${options.package} has its parameters already`);
    Object.assign(values, packaged(options.package));
  }
  const answer = complete({ values, stage, ...place }, credentials);
  if (answer.remembered) process.stderr.write(`Remembered by the stack ${place.stack}: ${answer.remembered}\n`);
  return answer;
};
